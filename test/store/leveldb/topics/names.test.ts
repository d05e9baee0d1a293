// Topic names: every name keeps its id, whatever its characters, through growth, gaps, removal and compaction.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TopicNames } from '../../../../src/store/leveldb/topics/names.ts'

/** Any string, ill-formed ones too. */
const anyName = fc.string({
  unit: fc.constantFrom(...'ab/+#$0é\u0800\ue000\uffff\ufffd\ud800\udc00\ud83d\ude00'.split('')),
})

type Step = { kind: 'add' | 'restore' | 'remove' | 'look'; name: string } | { kind: 'reserve'; more: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('add', 'restore', 'remove', 'look'), name: anyName }),
    fc.record({ kind: fc.constant('reserve'), more: fc.nat(5) }),
  ),
  { maxLength: 200 },
)

test('names and ids are what a Map of them says', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const names = new TopicNames()
      const model = new Map<string, number>()
      let next = 0
      for (const step of list) {
        if (step.kind === 'reserve') {
          names.reserve(next + step.more)
          next += step.more + 1
        } else if (step.kind === 'add') {
          expect(names.add(step.name)).toBe(model.get(step.name) ?? next)
          if (!model.has(step.name)) model.set(step.name, next++)
        } else if (step.kind === 'restore') {
          names.restore(model.get(step.name) ?? next, step.name)
          if (!model.has(step.name)) model.set(step.name, next++)
        } else if (step.kind === 'remove') {
          names.remove(model.get(step.name) ?? next + 1)
          model.delete(step.name)
        } else expect(names.idOf(step.name)).toBe(model.get(step.name) ?? -1)
      }
      expect(names.count).toBe(model.size)
      expect(names.nextId).toBe(next)
      for (const [name, id] of model) expect([names.idOf(name), names.nameOf(id)]).toEqual([id, name])
      const ids = new Set(model.values())
      for (let id = 0; id <= next; id++) expect(names.has(id)).toBe(ids.has(id))
    }),
  )
})

describe('restore', () => {
  test('takes ids with gaps and in any order, as text or as UTF-8', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(5000), fc.string({ unit: 'binary' })), { selector: ([id]) => id }),
        fc.boolean(),
        (list, asBytes) => {
          const names = new TopicNames()
          const unique = new Map(list.map(([id, name]) => [name, id]))
          for (const [name, id] of unique) {
            if (asBytes) names.restoreBytes(id, Buffer.from(name))
            else names.restore(id, name)
          }
          for (const [name, id] of unique) expect([names.idOf(name), names.nameOf(id)]).toEqual([id, name])
          expect(names.nextId).toBe(Math.max(-1, ...unique.values()) + 1)
        },
      ),
    )
  })

  test('refuses a second name for an id and a second id for a name', () => {
    const names = new TopicNames()
    names.restore(7, 'a')
    names.restore(7, 'a')
    expect(() => names.restore(7, 'b')).toThrow('topic 7 has another name')
    expect(() => names.restore(8, 'a')).toThrow('topic 8 has the name of topic 7')
    expect(names.count).toBe(1)
  })

  test('reads bytes that are no UTF-8 as U+FFFD, as every decoder here does', () => {
    const names = new TopicNames()
    names.restoreBytes(0, Buffer.from([97, 0xff, 98]))
    expect(names.nameOf(0)).toBe('a\ufffdb')
    expect(names.idOf('a\ufffdb')).toBe(0)
  })
})

test('a name of 65,535 bytes is taken, a longer one is refused and unknown', () => {
  const names = new TopicNames()
  for (const unit of ['x', '\ud800']) {
    const longest = unit.repeat(65_535)
    const id = names.add(longest)
    expect(names.idOf(longest)).toBe(id)
    expect(names.nameOf(id) === longest).toBe(true)
    expect(names.idOf(`${longest}x`)).toBe(-1)
    expect(() => names.add(`${longest}x`)).toThrow('at most 65,535')
  }
})

test('names stay right when those removed give their room back', () => {
  const names = new TopicNames()
  const nameOf = (n: number): string => `${'site/'.repeat(20)}${n}`
  // Restored names are not in the cache: the table has to answer.
  for (let n = 0; n < 60_000; n++) names.restore(n, nameOf(n))
  for (let n = 0; n < 60_000; n++) if (n % 10 !== 3) names.remove(n)
  for (let n = 60_000; n < 61_000; n++) expect(names.add(nameOf(n))).toBe(n)
  expect(names.count).toBe(7000)
  for (let n = 0; n < 61_000; n++) {
    const here = n % 10 === 3 || n >= 60_000
    if (names.idOf(nameOf(n)) !== (here ? n : -1)) expect.fail(`${n} is at ${names.idOf(nameOf(n))}`)
    if (here && names.nameOf(n) !== nameOf(n)) expect.fail(`${n} is ${names.nameOf(n)}`)
  }
})

test('a million topics of 40 bytes take less than 200 bytes each with their order and counts', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', join(import.meta.dirname, 'million.ts')],
    { cwd: join(import.meta.dirname, '../../../..'), timeout: 120_000 },
  )
  const { topics, nameBytes, perTopic } = JSON.parse(stdout) as {
    topics: number
    nameBytes: number
    perTopic: { all: number; heap: number }
  }
  expect(topics).toBe(1_000_000)
  expect(nameBytes).toBe(40)
  expect(perTopic.all).toBeLessThan(200)
  // Beyond the cache of twice 65,536 names there is nothing on the heap for a topic.
  expect(perTopic.heap).toBeLessThan(20)
}, 150_000)

test('a removed name is unknown, also when it was seen long ago', () => {
  const names = new TopicNames()
  names.add('first')
  for (let n = 0; n < 70_000; n++) names.add(`n${n}`)
  names.remove(0)
  expect(names.idOf('first')).toBe(-1)
})
