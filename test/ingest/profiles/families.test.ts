// Messages of some hundred families as their firmware writes them, with all profiles: when they say they were made, which numbers
// only look like a time, what is a value and what stands for none.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeFields } from '../../../src/ingest/decode/decode.ts'
import { applier } from '../rules/apply.ts'

interface Message {
  name: string
  topic: string
  payload: string
  /** `null`: it does not say, or says it wrong. Left out where careful readers may differ. */
  time?: string | null
  /** Of its samples, where it holds several. */
  times?: string[]
  /** Some of its fields; `null`: no value. */
  fields?: Record<string, unknown>
}

const receivedAt = Date.parse('2026-11-24T12:00:00Z')
const messages = readFileSync(join(import.meta.dirname, '../../fixtures/families.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Message)
const clean = applier('profiles: all\nzone: Europe/Berlin\n')

describe('when a message was made', () => {
  test.each(messages.filter(({ time }) => time !== undefined))(
    '$name: $payload',
    async ({ topic, payload, time }) => {
      const made = await clean(topic, payload, receivedAt)
      expect([...new Set(made.map((one) => one.time))]).toEqual([time ? Date.parse(time) : receivedAt])
    },
  )
})

test.each(messages.filter(({ times }) => times))(
  'the samples of $name: $payload',
  async ({ topic, payload, times = [] }) => {
    const made = await clean(topic, payload, receivedAt)
    expect(made.map(({ time }) => time).filter((time) => time !== receivedAt)).toEqual(times.map(Date.parse))
    expect(made.filter((one) => one.payload.length > 0)).toEqual([made.at(-1)])
  },
)

describe('what a message says', () => {
  test.each(messages.filter(({ fields }) => fields))(
    '$name: $payload',
    async ({ topic, payload, fields: expected = {} }) => {
      const made = (await clean(topic, payload, receivedAt)).at(-1)
      const fields = made?.fields ?? decodeFields(topic, Buffer.from(payload)) ?? {}
      const found = Object.fromEntries(Object.keys(expected).map((name) => [name, fields[name] ?? null]))
      expect(found).toStrictEqual(expected)
    },
  )
})

test('a message says the same of the second time on, when its layout is known', async () => {
  const said = async ({ topic, payload }: Message) =>
    (await clean(topic, payload, receivedAt)).map(({ time, fields, cleaned }) => ({ time, fields, cleaned }))
  for (const message of messages) {
    const first = await said(message)
    expect(await said(message)).toEqual(first)
  }
}, 60_000)
