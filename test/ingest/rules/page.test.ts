import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeFields } from '../../../src/ingest/decode/decode.ts'
import { ruleSchema } from '../../../src/ingest/rules/schema.ts'
import { applier, receivedAt, ruleSet } from './apply.ts'

interface Example {
  topic: string
  payload?: unknown
  payload_hex?: string
  stored?: string
  time?: string
  /** Where the message becomes several. */
  readings?: { time?: string; fields: unknown }[]
  [key: string]: unknown
}

const page = readFileSync(join(import.meta.dirname, '../../../docs/cleaning.md'), 'utf8')
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [/^`(\w+)`/.exec(section)?.[1] ?? '', section] as const),
)
const examples = [...sections].flatMap(([key, section]) => {
  const [, rules, example] = /```yaml\n([^]*?)```\n```json\n([^]*?)```/.exec(section) ?? []
  return rules === undefined || example === undefined
    ? []
    : [{ key, rules, example: JSON.parse(example) as Example }]
})

test('the page describes every key of a rule', () => {
  expect(Object.keys(ruleSchema.properties).filter((key) => !sections.has(key))).toEqual([])
  expect(examples.length).toBeGreaterThan(15)
})

test('the first rules file of the page is valid', () => {
  const [, text = ''] = /```yaml\n# rules.yaml\n([^]*?)```/.exec(page) ?? []
  expect(ruleSet(text).rules.length).toBeGreaterThan(0)
})

test.each(examples)('the example of `$key` stores what the page says', async ({ rules, example }) => {
  const { topic, payload, payload_hex: hex, stored, time, fields, readings, ...cleaned } = example
  const sent =
    hex === undefined
      ? Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
      : Buffer.from(hex, 'hex')
  const all = await applier(rules)(topic, sent)
  if (readings) {
    const shown = all.slice(0, -1).map((one) => ({
      ...(one.time === receivedAt ? {} : { time: new Date(one.time).toISOString() }),
      fields: { ...one.fields },
    }))
    expect([shown, String(all.at(-1)?.payload)]).toEqual([readings, String(sent)])
    return
  }
  const [made] = all
  expect({ ...(made?.fields ?? decodeFields(topic, sent)) }).toEqual(fields)
  expect(String(made?.payload)).toBe(stored ?? String(sent))
  expect(made?.cleaned).toMatchObject(cleaned)
  if (time !== undefined) expect(new Date(made?.time ?? 0).toISOString()).toBe(time)
})

test('the tutorial makes of its message what it says', async () => {
  const [, indented = ''] = /^ {3}```yaml\n([^]*?)^ {3}```/m.exec(page) ?? []
  const [made] = await applier(indented.replaceAll(/^ {3}/gm, ''))('attic/north', '{"t":70.5,"h":40}')
  expect(page).toContain('`+ {"t":21.4,"h":40}`')
  expect({ ...made?.fields }).toEqual({ t: 21.4, h: 40 })
  expect({ ...made?.cleaned?.tags }).toEqual({ room: 'north' })
})
