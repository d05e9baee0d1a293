// A payload in an answer: JSON as it was sent, other text as a string.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeValue } from '../../src/http/readingText.ts'

const encoded = (text: string): string =>
  encodeValue(Buffer.from(text), false, false).slice(',"value":'.length)

/** What JSON.parse takes, and nothing else, is JSON. */
function expected(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    return text === '' ? 'null' : JSON.stringify(text)
  }
}

const pieces = ['{"a":1}', '[1]', '"a"', '1', '-1', '-', 'true', 'false', 'null', 'nul', 'truer', 'NaN', '+1']
const spaces = ['', ' ', '\n\t ', '\r', '\u00a0', '\ufeff', '\u0001', '\u0000', '\f']

test('every payload is embedded as JSON or as text, as JSON.parse has it', () => {
  for (const piece of [...pieces, 'm,n=1 v=2', 'on', ''])
    for (const before of spaces)
      for (const after of spaces) {
        const text = before + piece + after
        expect(encoded(text), JSON.stringify(text)).toBe(expected(text))
      }
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      expect(encoded(text)).toBe(expected(text))
    }),
  )
})

test('sixteen megabytes of spaces are text', () => {
  const text = ' '.repeat(16 * 2 ** 20)
  expect(encoded(text) === JSON.stringify(text)).toBe(true)
})
