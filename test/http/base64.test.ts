// Base64 of payloads: everything that is some and nothing else, whatever its size.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase64 } from '../../src/http/base64.ts'

test('bytes come back from their base64', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(Buffer.from(bytes))
    }),
  )
})

test.each([
  'a',
  'ab',
  'abc',
  'a===',
  '====',
  'ab=c',
  'ab==abcd',
  'ab-_',
  'abcd\n',
  ' abcd',
  'abcé',
  'ab!dabcd',
])('"%s" is no base64', (text) => {
  expect(decodeBase64(text)).toBeNull()
})

test('a payload of the largest size is read', () => {
  const bytes = Buffer.alloc(16 * 1_048_576, 7)
  expect(decodeBase64(bytes.toString('base64'))?.equals(bytes)).toBe(true)
})
