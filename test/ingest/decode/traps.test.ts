// What looks like a value and is none, and what does not look like one and is: bare payloads, columns, bytes of other encodings.

import { expect, test } from 'vitest'
import { createAutoClean } from '../../../src/ingest/clean/clean.ts'
import { decode, decodeFields } from '../../../src/ingest/decode/decode.ts'
import { createAliases } from '../../../src/ingest/decode/sparkplugAliases.ts'
import { compileFields } from '../../../src/ingest/rules/fieldStep.ts'
import { reading } from '../../store/reading.ts'

const fieldsOf = (payload: string | Uint8Array, topic = 't') => {
  const fields = decodeFields(topic, typeof payload === 'string' ? Buffer.from(payload) : payload)
  return fields && { ...fields }
}

test.each([
  ['a hash that looks like a power of ten', '3e8', { value: '3e8' }],
  ['a number with an exponent', '3e+08', { value: 300_000_000 }],
  ['a number with a point and an exponent', '1.5e3', { value: 1500 }],
  ['a hash in a column', 'fw;3e8;21.5', { 0: 'fw', 1: '3e8', 2: 21.5 }],
  ['a phone number', '+4917612345678', { value: '+4917612345678' }],
  ['a phone number in a column', '+4917612345678;21.5;3', { 0: '+4917612345678', 1: 21.5, 2: 3 }],
  ['a number with a sign', '+21.5', { value: 21.5 }],
  ['minutes or metres', '3m', { value: '3m' }],
  ['metres', '3.5m', { value: 3.5 }],
  ['metres behind a blank', '3 m', { value: 3 }],
  ['a size of pictures', '4K', { value: '4K' }],
  ['a decimal comma with a unit', '21,5 °C', { value: '21,5 °C' }],
  ['a value and its state', '45.500;ok', { value: '45.500;ok' }],
  ['zeros in front', '0123456789', { value: '0123456789' }],
  ['a month', '2026-11', { value: '2026-11' }],
  ['a line of a log', '[12:30:01] started', { value: '[12:30:01] started' }],
  ['markup', '<a href="x">1,2,3</a>', { value: '<a href="x">1,2,3</a>' }],
  ['an address', 'http://x/y?a=1&b=2', { value: 'http://x/y?a=1&b=2' }],
])('%s', (_name, payload, fields) => {
  expect(fieldsOf(payload)).toEqual(fields)
})

test.each([
  'nan °C',
  '-nan %',
  'nan°C',
  'nan(ind)',
  '-nan(ind)',
  '-1.#IND',
  '1.#QNAN0',
  '1.#INF',
  'ovf',
  '{"t":ovf}',
])('%s is no value', (payload) => expect(fieldsOf(payload)).toBeNull())

test.each(['Nancy', 'nand', 'nan 2', 'infs', 'null and void'])('%s is a word', (payload) => {
  expect(fieldsOf(payload)).toEqual({ value: payload })
})

test.each([
  ['21.5,null,48,NULL', { 0: 21.5, 2: 48 }],
  ['21.5;nan;48', { 0: 21.5, 2: 48 }],
  ['t;h;p\n21.5;None;1013', { t: 21.5, p: 1013 }],
  ['t;h\n21.5;48\nnan;nan\n22;49', { '0.t': 21.5, '0.h': 48, '2.t': 22, '2.h': 49 }],
  ['weather t=nan,h=4', { h: 4 }],
  ['{"t":ovf,"h":4}', { h: 4 }],
])('in %s what is missing is left out', (payload, fields) => expect(fieldsOf(payload)).toEqual(fields))

test('a hash that JSON takes for a number is stored as the text it is, so that aggregates do not count it', () => {
  const clean = createAutoClean({ aliases: createAliases({ sourcesMax: 10 }) })
  const [made] = clean(reading({ topic: 't', payload: Buffer.from('3e8') }))
  expect({ ...made?.fields }).toEqual({ value: '3e8' })
})

test.each([
  ['3e8', 300_000_000],
  ['+4917612345678', 4_917_612_345_678],
  ['-007', -7],
  ['+0', 0],
])('a rule that asks for a number gets one of %s', (value, number) => {
  const draft = { fields: { value }, units: null, marks: null, isChanged: false }
  expect(compileFields({ value: { type: 'number' } })(draft)).toBeNull()
  expect(draft.fields.value).toBe(number)
})

test('a sign too many is no number to a rule', () => {
  const draft = { fields: { value: '+-5' }, units: null, marks: null, isChanged: false }
  expect(compileFields({ value: { type: 'number' } })(draft)).toMatchObject({ field: 'value' })
})

const gga = (seconds: number) => `$GPGGA,1235${seconds},4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47`

test.each([
  ['several sentences', `${gga(19)}\r\n${gga(20)}\r\n`],
  ['a sentence without a checksum', '$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W'],
  ['a sentence of a maker', '$PMTK001,314,3*36'],
])('%s of NMEA: its degrees and minutes are not taken for numbers', (_name, payload) => {
  expect(decode(Buffer.from(payload), { topic: 't' })).toMatchObject({ format: 'nmea', records: [] })
})

test.each(['$PRICE,12.5', '!important, really', '$5,3,1'])('%s is no NMEA', (payload) => {
  expect(decode(Buffer.from(payload), { topic: 't' }).format).not.toBe('nmea')
})

const wide = Buffer.from('{"t":21.5,"n":"ä"}', 'utf16le')

test.each([
  ['little-endian', Buffer.concat([Buffer.of(0xff, 0xfe), wide]), { t: 21.5, n: 'ä' }],
  ['big-endian', Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from(wide).swap16()]), { t: 21.5, n: 'ä' }],
  ['ASCII alone, without a mark', Buffer.from('{"t":21.5}\0\0', 'utf16le'), { t: 21.5 }],
])('UTF-16, %s, is read and marked', (_name, payload, fields) => {
  expect(fieldsOf(payload)).toEqual(fields)
  expect(decode(payload, { topic: 't' }).marks).toEqual(['mended'])
})

test.each([
  ['numbers of 16 bits', Buffer.from('3100320033003400', 'hex')],
  ['half a character', Buffer.from('fffe7b', 'hex')],
  ['half a surrogate', Buffer.from('fffe7b0000d8', 'hex')],
  ['controls', Buffer.from('fffe0100020003000400', 'hex')],
])('%s are no UTF-16', (_name, payload) => expect(fieldsOf(payload)).toBeNull())

test('CBOR that says so is CBOR whatever is in it', () => {
  expect(fieldsOf(Buffer.from('d9d9f7a16174f94d60', 'hex'))).toEqual({ t: 21.5 })
  expect(fieldsOf(Buffer.from('d9d9f782f94d601830', 'hex'))).toEqual({ 0: 21.5, 1: 48 })
  expect(fieldsOf(Buffer.from('d9d9f7a161', 'hex'))).toBeNull()
})

test('gas of a meter of DSMR 2 stands in a line of its own, and has its unit before it', () => {
  const telegram =
    '/ISk5\\2MT382-1000\r\n\r\n0-1:24.3.0(120517020000)(08)(60)(1)(0-1:24.2.1)(m3)\r\n(00124.477)\r\n0-1:24.4.0(1)\r\n!\r\n'
  const [record] = decode(Buffer.from(telegram), { topic: 't' }).records
  expect({ ...record?.fields }).toEqual({ '0-1:24.3.0': 124.477, '0-1:24.4.0': '1' })
  expect({ ...record?.units }).toEqual({ '0-1:24.3.0': 'm3' })
})

test('the readout of an optical head has short codes', () => {
  const telegram =
    '/ISk5MT174-0001\r\nF.F(00000000)\r\n0.0.0(12345678)\r\n0.9.1(125950)\r\n1.8.0(000123.456*kWh)\r\n!\r\n'
  expect(fieldsOf(telegram)).toEqual({
    'F.F': '00000000',
    '0.0.0': '12345678',
    '0.9.1': '125950',
    '1.8.0': 123.456,
  })
})

test('a path in the first line is no telegram', () => {
  expect(fieldsOf('/dev/ttyUSB0\nis gone!')).toEqual({ value: '/dev/ttyUSB0\nis gone!' })
})
