import { expect, test } from 'vitest'
import { decode, decodeFields } from '../../src/ingest/decode/decode.ts'
import { readMessages, score } from './score.ts'

const messages = readMessages()
const byId = (id: string) => {
  const message = messages.find((one) => one.id === id)
  if (!message) throw new Error(`no message ${id}`)
  return message
}
const decoded = (id: string) => {
  const { payload, topic } = byId(id)
  return decode(payload, { topic, receivedAt: Date.parse('2026-01-01T00:00:00Z') })
}

test('of the leaves a careful reader extracts from real messages at least 97 % are right and none is wrong', () => {
  const { leaves, right, wrong, nulls } = score(messages, ({ topic, payload }) =>
    decodeFields(topic, payload),
  )
  expect(leaves).toBeGreaterThan(1200)
  expect(wrong).toEqual([])
  expect(nulls).toEqual([])
  expect(right / leaves).toBeGreaterThanOrEqual(0.97)
})

test('no message has leaves that a careful reader would not extract, but for codes of a meter telegram', () => {
  const { extra } = score(messages, ({ topic, payload }) => decodeFields(topic, payload))
  expect(extra.filter((leaf) => !leaf.startsWith('p1-001 0-0:'))).toEqual([])
})

test.each(messages.filter(({ records }) => Array.isArray(records)).map(({ id }) => id))(
  '%s gives every record with its resolved name, time, unit and value',
  (id) => {
    const expected = (byId(id).records as Record<string, unknown>[]).map(({ n, u, t, v, vs, vb, vd }) => ({
      time: t === 0 ? null : Math.round(Number(t) * 1000),
      fields: { [String(n)]: v ?? vs ?? vb ?? vd },
      ...(u === undefined ? {} : { units: { [String(n)]: u } }),
    }))
    const { records, marks } = decoded(id)
    expect(records.map(({ fields, ...rest }) => ({ ...rest, fields: { ...fields } }))).toEqual(expected)
    expect(marks).toEqual([])
  },
)

test('Sparkplug metrics have their own time, and a death certificate none', () => {
  expect(decoded('sparkplug-001').records.map(({ time }) => time)).toEqual([1678094561525])
  expect(decoded('sparkplug-002').records.map(({ time }) => time)).toEqual([null])
  expect(decoded('sparkplug-005').records.map(({ time }) => time)).toEqual([1790000000000])
})

test('line protocol gives its tags and its time in nanoseconds', () => {
  const [record] = decoded('influx-001').records
  expect(record?.time).toBe(1637014942460)
  expect({ ...record?.tags }).toEqual({ measurement: 'cpu', ...byId('influx-001').tags })
  expect(decoded('influx-002').records[0]?.time).toBeNull()
})

test.each([
  ['tasmota-013', 'json', 'mended'],
  ['tasmota-014', 'json', 'mended'],
  ['tasmota-015', 'json', 'truncated'],
  ['oddjson-002', 'json', 'invalid'],
  ['oddjson-003', 'json', 'invalid'],
  ['wirenboard-003', 'empty', 'deletion'],
  ['p1-001', 'dsmr-p1', 'checksum'],
])('%s is %s and marked as %s', (id, format, mark) => {
  expect(decoded(id)).toMatchObject({ format, marks: [mark] })
})
