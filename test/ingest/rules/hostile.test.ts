// Whole messages through every profile: real ones cut, mutated and put together. Nothing makes a rule throw, every reading has a
// time that can be one, and the payload is stored once and as it came.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readMessages } from '../score.ts'
import { applier } from './apply.ts'

const at = Date.parse('2026-11-24T12:00:00Z')
const families = readFileSync(join(import.meta.dirname, '../../fixtures/families.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { topic: string; payload: string })
  .map(({ topic, payload }) => ({ topic, payload: Buffer.from(payload) }))
const known = fc.constantFrom(
  ...readMessages().map(({ topic, payload }) => ({ topic, payload })),
  ...families,
)
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const words = [
  '__proto__',
  'constructor',
  '"ts":',
  '1795521590',
  '0',
  '{',
  '}',
  '[',
  ']',
  '"',
  'NaN',
  '\n',
  ';',
  '=',
  '\0',
]
const change = fc.tuple(
  place,
  fc.oneof(
    fc.constantFrom(...words),
    known.map(({ payload }) => payload.toString('latin1')),
  ),
)
const changed = fc
  .tuple(known, known, fc.array(change, { maxLength: 4 }))
  .map(([{ topic }, { payload }, changes]) => {
    const bytes = changes.reduce((text, [where, word]) => {
      const cut = Math.floor(where * text.length)
      return text.slice(0, cut) + word + text.slice(cut + (cut % 5))
    }, payload.toString('latin1'))
    return { topic, payload: Buffer.from(bytes, 'latin1') }
  })

test('whatever a message holds, its payload is stored once, and no reading has a time that can be none', async () => {
  const clean = applier('profiles: all\nzone: Europe/Berlin\n')
  await fc.assert(
    fc.asyncProperty(changed, async ({ topic, payload }) => {
      const made = await clean(topic, payload, at)
      const last = made.at(-1)
      expect(Buffer.compare(Buffer.from(last?.payload ?? []), payload)).toBe(0)
      for (const one of made) {
        expect(one === last || one.payload.length === 0).toBe(true)
        expect(one.time > Date.UTC(2001, 0, 1) - 1 && one.time <= at + 300_000).toBe(true)
      }
      expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    }),
    { numRuns: 2000 },
  )
})
