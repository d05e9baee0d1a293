// Telegrams as meters of ISKRA sent them, published with the sources of sml-rs and of OpenEMS.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode } from '../../../src/ingest/decode/decode.ts'

const iskra =
  '1B1B1B1B010101017605006345516200620072630101760101050021171B0B0A0149534B00047A5544726201650021155A620163828E00760500634552620062007263070177010B0A0149534B00047A5544070100620AFFFF726201650021155A757707010060320101010101010449534B0177070100600100FF010101010B0A0149534B00047A55440177070100010800FF650010010401621E52FF65000C13610177070100020800FF0101621E52FF62000177070100100700FF0101621B5200530860010101638E71007605006345536200620072630201710163AD55001B1B1B1B1A00D54B'
const older =
  '1B1B1B1B0101010176050F1A20606200620072630101760101050508B5760B090149534B000403DF63010163C4BA0076050F1A2061620062007263070177010B090149534B000403DF63070100620AFFFF7262016507AFF5DC7A77078181C78203FF010101010449534B0177070100000009FF010101010B090149534B000403DF630177070100010800FF650000018201621E52FF59000000000D637E080177070100010801FF0101621E52FF59000000000D637E080177070100010802FF0101621E52FF5900000000000000000177070100100700FF0101621B520055000000A80177070100240700FF0101621B520055000000750177070100380700FF0101621B5200550000001601770701004C0700FF0101621B52005500000 01D0177078181C78205FF0101010183020C2DE05C56024E1CD45280F4A0769A95E629CAE205C55C9F1683CA5419778E1D9BCFA1C577A6B36A92709EBF05EA21BD01010163291C0076050F1A206262006200726302017101630054001B1B1B1B1A00AE84'
const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const read = (payload: Uint8Array) => decode(payload, { topic: 't' })

test('a telegram is its OBIS codes with scaled values and units', () => {
  const { format, records, marks } = read(bytes(iskra))
  expect([format, marks, records.length]).toEqual(['sml', [], 1])
  expect({ ...records[0]?.fields }).toEqual({
    '1-0:96.50.1*1': 'ISK',
    '1-0:96.1.0': '0a0149534b00047a5544',
    '1-0:1.8.0': 79_139.3,
    '1-0:2.8.0': 0,
    '1-0:16.7.0': 2144,
  })
  expect({ ...records[0]?.units }).toEqual({ '1-0:1.8.0': 'Wh', '1-0:2.8.0': 'Wh', '1-0:16.7.0': 'W' })
})

test('codes of makers are left out', () => {
  expect({ ...read(bytes(older)).records[0]?.fields }).toEqual({
    '1-0:0.0.9': '090149534b000403df63',
    '1-0:1.8.0': 22_462_413.6,
    '1-0:1.8.1': 22_462_413.6,
    '1-0:1.8.2': 0,
    '1-0:16.7.0': 168,
    '1-0:36.7.0': 117,
    '1-0:56.7.0': 22,
    '1-0:76.7.0': 29,
  })
})

test('escape bytes in a message are sent twice, and bytes that fill the last group are none of it', () => {
  // A message of an entry -4.5 °C, its code and value in bytes that look like an escape.
  const message = bytes(
    '7605010203046200620072630701770101010171' + '77070100608000ff0101620952ff590101' + '010163000000',
  )
  const value = message.indexOf(bytes('590101'))
  const long = Buffer.concat([
    message.subarray(0, value),
    bytes('59000000001b1b1b1b1b1b1b1b'),
    message.subarray(value + 2),
  ])
  const head = Buffer.concat([bytes('1b1b1b1b01010101'), long, bytes('00'), bytes('1b1b1b1b1a01')])
  const { records } = read(Buffer.concat([head, sum(head)]))
  expect({ ...records[0]?.fields }).toEqual({ '1-0:96.128.0': 45_476_124.3 })
  expect({ ...records[0]?.units }).toEqual({ '1-0:96.128.0': '°C' })
})

test('a telegram with a wrong byte has no fields', () => {
  const wrong = bytes(iskra)
  wrong[100] = (wrong[100] ?? 0) ^ 1
  expect(read(wrong)).toMatchObject({ format: 'sml', records: [], marks: ['checksum'] })
  expect(read(bytes(iskra).subarray(0, -1))).toMatchObject({ format: 'binary', records: [] })
})

test('no bytes between the escapes make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (inner) => {
      const head = Buffer.concat([bytes('1b1b1b1b01010101'), inner, bytes('1b1b1b1b1a00')])
      read(Buffer.concat([head, sum(head)]))
    }),
  )
})

/** The checksum of SML, bit by bit. */
function sum(head: Uint8Array): Buffer {
  let crc = 0xffff
  for (const byte of head) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0x8408 : crc >> 1
  }
  return Buffer.of((crc ^ 0xffff) & 255, (crc ^ 0xffff) >> 8)
}
