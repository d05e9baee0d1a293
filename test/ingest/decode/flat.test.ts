import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fields } from '../../../src/domain/reading.ts'
import { decodeFields } from '../../../src/ingest/decode/decode.ts'
import { flatText } from '../../../src/ingest/decode/flat.ts'

/** Fields as an answer writes them. */
const shown = (fields: Fields | null): string => JSON.stringify({ ...fields })

const number = fc.oneof(
  fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }).map(String),
  fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }).map((n) => String(n / 1000)),
  fc.double().map(String),
  fc.constantFrom(
    '0',
    '-0',
    '1.0',
    '0.000001',
    '0.0000001',
    '1e3',
    '123456789.123456',
    '1234567890',
    '01',
    '.5',
    '1.',
    '+1',
  ),
)
const value = fc.oneof(
  { weight: 8, arbitrary: number },
  fc.constantFrom('true', 'false', 'null', '"a"', '{}', '[1]'),
)
const name = fc.oneof(
  { weight: 8, arbitrary: fc.stringMatching(/^[a-z_][a-zA-Z0-9_-]{0,6}$/) },
  fc.constantFrom('__proto__', 'constructor', '1', 'a.b', 'é', '', 'a"', 'v', 'n', 't', 'bn'),
)
const payload = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(fc.tuple(name, value), { maxLength: 6 })
      .map((members) => `{${members.map(([key, one]) => `"${key}":${one}`).join(',')}}`),
  },
  fc.json(),
  fc.string(),
)

test('what is taken for flat reads as its own fields, byte for byte', () => {
  let flat = 0
  fc.assert(
    fc.property(payload, (text) => {
      const bytes = Buffer.from(text)
      const own = flatText('a/b', bytes)
      if (own === null) return
      flat++
      expect(own).toBe(text)
      expect(shown(decodeFields('a/b', bytes))).toBe(text)
    }),
    { numRuns: 5000 },
  )
  expect(flat).toBeGreaterThan(100)
})

test.each(['{"temperature":21.5,"humidity":48.2}', '{"ok":true,"n":-7}', '{"a":0}', '{"x-y_z":-0.5}'])(
  '%s is flat',
  (text) => expect(flatText('a', Buffer.from(text))).toBe(text),
)

test.each([
  '{}',
  '{"a":1.0}',
  '{"a":-0}',
  '{"a":1,"a":2}',
  '{"a":1 }',
  '{"a":1}}',
  '{"a":1},',
  '{"__proto__":1}',
  '{"a":null}',
])('%s is decoded as ever', (text) => expect(flatText('a', Buffer.from(text))).toBeNull())

test('no real message reads otherwise', () => {
  const file = join(import.meta.dirname, '../../fixtures/messages.jsonl')
  const messages = readFileSync(file, 'utf8').trim().split('\n')
  let flat = 0
  for (const line of messages) {
    const { topic, payload_utf8: text } = JSON.parse(line) as { topic: string; payload_utf8?: string }
    const bytes = Buffer.from(text ?? '')
    const own = flatText(topic, bytes)
    if (own === null) continue
    flat++
    expect(shown(decodeFields(topic, bytes))).toBe(own)
  }
  expect(flat).toBeGreaterThan(0)
})
