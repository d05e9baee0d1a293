import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeFields } from '../../../src/ingest/decode/decode.ts'

const fieldsOf = (payload: string | Uint8Array): unknown => {
  const fields = decodeFields('t', typeof payload === 'string' ? Buffer.from(payload) : payload)
  return fields && { ...fields }
}

test.each([
  ['{"temperature":21.5,"ok":true,"name":"x"}', { temperature: 21.5, ok: true, name: 'x' }],
  ['{"a":{"b":[1,{"c":2}]}}', { 'a.b.0': 1, 'a.b.1.c': 2 }],
  ['[1,2]', { 0: 1, 1: 2 }],
  ['{"a":null,"b":"NaN","c":1}', { c: 1 }],
  ['{"id":1234567890123456789}', { id: 1234567890123456789n }],
  ['{"text":"1234567890123456789"}', { text: '1234567890123456789' }],
  ['{"a":1,"a":2}', { a: 2 }],
  ['{"":1,"a.b":2}', { '': 1, 'a.b': 2 }],
  ['21.5', { value: 21.5 }],
  [' 7 \n', { value: 7 }],
  ['ON', { value: 'ON' }],
  ['true', { value: true }],
  ['"quoted"', { value: 'quoted' }],
  ['+1.5', { value: 1.5 }],
  ['NaN', null],
  ['null', null],
  ['', null],
  ['{}', null],
  ['"\uf8ff#x"', { value: '\uf8ff#x' }],
  ['{"a":"\uf8ff#12"}', { a: '\uf8ff#12' }],
  ['{"a":"\\uf8ff#","id":1234567890123456789}', { a: '\uf8ff#', id: 1234567890123456789n }],
  [
    '{"i7":"i7","list":["i7",1234567890123456789]}',
    { i7: 'i7', 'list.0': 'i7', 'list.1': 1234567890123456789n },
  ],
  ['{"t":nan,"h":-NaN,"ok":1,"text":"a:nan,"}', { ok: 1, text: 'a:nan,' }],
  ['{"a":1e999,"b":1}', { b: 1 }],
  ['1.5e999', null],
  // Digits with an e and more digits are as often hexadecimal.
  ['23e136', { value: '23e136' }],
  ['+1234567890123456789', { value: 1234567890123456789n }],
  ['{"id":8700","name":1}', null],
  ['{"idx":52,"nvalue"}', null],
  ['[INFO] started', { value: '[INFO] started' }],
])('%s becomes its leaves', (payload, expected) => {
  expect(fieldsOf(payload)).toEqual(expected)
})

test('bytes that are no UTF-8 have no fields', () => {
  expect(fieldsOf(Buffer.from([0xff, 0xfe, 0]))).toBeNull()
})

test('a key named __proto__ is a key like any other', () => {
  const fields = decodeFields('t', Buffer.from('{"__proto__":1,"constructor":2}'))
  expect(Object.entries(fields ?? {})).toEqual([
    ['__proto__', 1],
    ['constructor', 2],
  ])
})

test('deep and wide messages have no fields instead of ten thousand', () => {
  expect(fieldsOf('['.repeat(1000) + ']'.repeat(1000))).toBeNull()
  expect(fieldsOf(JSON.stringify(Array.from({ length: 20_000 }, () => 1)))).toBeNull()
})

test('no bytes at all make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeFields('t', bytes)
    }),
  )
})

test.each([
  [
    'a string of escaped quotes without an end',
    `{"id":1234567890123456789,"n":nan,"a":"${'\\"'.repeat(450_000)}`,
  ],
  ['much blank space', `{"id":1234567890123456789,"n":nan,${' '.repeat(900_000)}}`],
  ['one long string', JSON.stringify({ id: '1234567890123456789', text: 'x\n'.repeat(300_000) })],
  ['many colons without an end', `[nan,${':['.repeat(450_000)}`],
])('%s takes no more than linear time and does not throw', (_name, payload) => {
  const started = performance.now()
  decodeFields('t', Buffer.from(payload))
  // Linear: some tens of milliseconds. Quadratic: minutes.
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('no JSON text makes it throw, and every string in it stays the string that was sent', () => {
  const text = fc.string({ unit: fc.constantFrom('\uf8ff', '#', 'i', 's', '1', '"', '\\', '-', ':', ',') })
  fc.assert(
    fc.property(text, (sent) => {
      const fields = decodeFields('t', Buffer.from(JSON.stringify({ sent, id: '1234567890123456' })))
      expect(fields?.['sent']).toBe(sent)
    }),
  )
})
