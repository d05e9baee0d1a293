// CBOR and MessagePack as devices pack them: what is a number, what is missing, and what is no message of theirs.

import { expect, test } from 'vitest'
import { decode } from '../../../src/ingest/decode/decode.ts'
import { mergedFields } from '../../../src/ingest/decode/decoded.ts'

const fieldsOf = (hex: string) => {
  const fields = mergedFields(decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'), { topic: 't' }))
  return fields && { ...fields }
}

test.each([
  [
    'a tagged epoch and a half float',
    'a2 6474696d65 c1 1a 6b05a836 6174 f9 4d60',
    { time: 1795532854, t: 21.5 },
  ],
  ['a tagged date', 'a1 6174 c0 6a 323032362d31312d3234', { t: '2026-11-24' }],
  ['a map without a length', 'bf 6474656d70 fb 4035800000000000 6368756d 18 2d ff', { temp: 21.5, hum: 45 }],
  [
    'a list and a text without one',
    'bf 6161 9f 01 02 ff 6162 7f 6161 6162 ff ff',
    { 'a.0': 1, 'a.1': 2, b: 'ab' },
  ],
  ['a decimal fraction', 'a1 6174 c4 82 20 18 d7', { t: 21.5 }],
  ['a binary fraction', 'a1 6174 c5 82 21 18 56', { t: 21.5 }],
  ['half floats that are none', 'a3 6161 f97e00 6162 f97c00 6163 01', { c: 1 }],
  ['null and undefined', 'a3 6161 f6 6162 f7 6163 01', { c: 1 }],
  ['numbers for names', 'a2 00 15 01 18 2d', { 0: 21, 1: 45 }],
  ['a list of maps', '82 a1 6174 01 a1 6174 02', { '0.t': 1, '1.t': 2 }],
  ['a list of maps in MessagePack', '92 81 a174 01 81 a174 02', { '0.t': 1, '1.t': 2 }],
  ['a map in MessagePack, though it begins like a list in CBOR', '82 a174 01 a168 02', { t: 1, h: 2 }],
])('%s', (_name, hex, fields) => expect(fieldsOf(hex)).toEqual(fields))

test.each([
  ['a list of numbers', '83 01 02 03'],
  ['a list in which not all are maps', '82 a1 6174 01 02'],
  ['a list of maps and a byte more', '81 a1 6174 01 00'],
  ['an empty list', '80'],
  ['a list of empty maps', '82 a0 a0'],
])('%s may be anything', (_name, hex) => expect(fieldsOf(hex)).toBeNull())
