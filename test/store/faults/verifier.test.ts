// The judge is judged: each kind of loss it is there to find is shown to it once.

import { expect, test } from 'vitest'
import type { Reading } from '../../../src/domain/reading.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { append } from '../reading.ts'
import { numbered } from './numbered.ts'
import { type Expected, findFaults } from './verifier.ts'

const pattern = 'late'
const count = 300

/** A store that holds `stored`, and what was acknowledged of the first 300 readings. */
async function given(
  change: (readings: number[]) => number[],
): Promise<{ store: ReadingStore; expected: Expected }> {
  const all = Array.from({ length: count }, (_, n) => n)
  const store = createMemoryStore()
  const seqs = new Map<number, number>()
  for (const n of change(all)) {
    const seq = await append(store, numbered(n, pattern))
    if (!seqs.has(n)) seqs.set(n, seq)
  }
  // One that is not stored was given some number, too.
  const acknowledged = new Map(all.map((n) => [n, seqs.get(n) ?? 0]))
  return { store, expected: { pattern, end: count, acknowledged } }
}

/** The same store, whose ranges answer something else. */
function falsified(store: ReadingStore, change: (readings: Reading[]) => Reading[]): ReadingStore {
  const range: ReadingStore['range'] = async function* (query) {
    for await (const chunk of store.range(query)) yield change(chunk)
  }
  return new Proxy(store, { get: (target, name) => (name === 'range' ? range : Reflect.get(target, name)) })
}

test('a whole store has no faults', async () => {
  const { store, expected } = await given((all) => all)
  expect(await findFaults(store, expected)).toEqual([])
})

test('a reading that is not there is lost, unless nobody was told of it', async () => {
  const { store, expected } = await given((all) => all.slice(0, -1))
  expect(await findFaults(store, expected)).toEqual(['reading 299 was acknowledged, and is lost'])
  const acknowledged = new Map([...expected.acknowledged].slice(0, -1))
  expect(await findFaults(store, { ...expected, acknowledged })).toEqual([])
})

test('a reading stored again is doubled, and one that was never appended is invented', async () => {
  const twice = await given((all) => [...all, 7])
  expect(await findFaults(twice.store, twice.expected)).toContain('reading 7 is there twice')
  const more = await given((all) => [...all, 300])
  expect(await findFaults(more.store, more.expected)).toContain('reading 300 was never appended')
})

const alterations: { what: string; change: (reading: Reading) => Reading }[] = [
  { what: 'a bit of the payload', change: (r) => ({ ...r, payload: flipped(r.payload) }) },
  { what: 'a byte less', change: (r) => ({ ...r, payload: r.payload.subarray(1) }) },
  { what: 'the client', change: (r) => ({ ...r, clientId: 'somebody' }) },
  { what: 'the number', change: (r) => ({ ...r, seq: r.seq + 0.5 }) },
  { what: 'the topic', change: (r) => ({ ...r, topic: `${r.topic}/x` }) },
  { what: 'the fields', change: (r) => ({ ...r, fields: { n: -1 } }) },
]

test.each(alterations)('an altered reading is noticed: $what', async ({ change }) => {
  const { store, expected } = await given((all) => all)
  const one = (reading: Reading): Reading =>
    reading.seq === expected.acknowledged.get(100) ? change(reading) : reading
  const faults = await findFaults(
    falsified(store, (chunk) => chunk.map(one)),
    expected,
  )
  expect(faults.join('\n')).toContain('reading 100 is altered')
})

test('two readings that change places are out of order', async () => {
  const { store, expected } = await given((all) => all)
  const swapped = falsified(store, ([a, b, ...rest]) => (a && b ? [b, a, ...rest] : []))
  expect((await findFaults(swapped, expected)).join('\n')).toMatch(/comes after/)
})

test('answers that contradict the range are noticed', async () => {
  const { store, expected } = await given((all) => all)
  const shorter = falsified(store, (chunk) =>
    chunk.filter(({ seq }) => seq !== expected.acknowledged.get(299)),
  )
  const acknowledged = new Map([...expected.acknowledged].slice(0, -1))
  const faults = (await findFaults(shorter, { ...expected, acknowledged })).join('\n')
  for (const what of ['since 0', 'topics', 'status.readings']) expect(faults).toContain(what)
})

test('an aggregate that is off by one reading is noticed', async () => {
  const { store, expected } = await given((all) => all)
  const wrong = new Proxy(store, {
    get: (target, name) =>
      name === 'aggregate'
        ? (query: Parameters<ReadingStore['aggregate']>[0]) =>
            target.aggregate({ ...query, mayRead: (topic) => topic !== query.filters[0] })
        : Reflect.get(target, name),
  })
  expect((await findFaults(wrong, expected)).join('\n')).toMatch(/^series /)
})

const flipped = (payload: Uint8Array): Buffer => {
  const bytes = Buffer.concat([payload, payload.length === 0 ? Buffer.from('x') : Buffer.alloc(0)])
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes
}
