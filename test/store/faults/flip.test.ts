// One flipped bit, in every kind of record and anywhere in the files: it is noticed or does no harm, it never makes a wrong
// answer, and what it does not touch is served.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { hash, topicCount } from './numbered.ts'
import { judge, type Verdict } from './judge.ts'
import { makeSample, openLogged, type Sample } from './sample.ts'

let sample: Sample
beforeAll(async () => {
  sample = await makeSample(400, 700)
})
afterAll(() => rmSync(sample.path, { recursive: true }))

type Judged = Verdict & { isRefused: boolean; isNoticed: boolean }

/** Opens what `harm` leaves of the sample and asks it everything. */
function afterHarm(harm: (path: string) => Promise<void>): Promise<Judged> {
  return sample.inCopy(async (path) => {
    await harm(path)
    const none: Verdict = { wrong: [], missing: [], refused: [] }
    try {
      const { store, errors } = await openLogged(path)
      const verdict = await judge(store, sample)
      await store.close()
      return { ...verdict, isRefused: false, isNoticed: errors.length > 0 || verdict.refused.length > 0 }
    } catch (error) {
      if (!(error instanceof AppError) || !/^store_(corrupt|foreign|unavailable)$/.test(error.code))
        throw error
      return { ...none, isRefused: true, isNoticed: true }
    }
  })
}

async function withDatabase<T>(path: string, use: (db: Level<Buffer, Buffer>) => Promise<T>): Promise<T> {
  const db = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  try {
    return await use(db)
  } finally {
    await db.close()
  }
}

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[at] = flipped[at]! ^ (1 << (hash(at, 1) % 8))
  return flipped
}

/** Keys of every kind (a letter), some of each. */
async function keysByKind(): Promise<Map<string, Buffer[]>> {
  const kinds = new Map<string, Buffer[]>()
  await sample.inCopy((path) =>
    withDatabase(path, async (db) => {
      for await (const key of db.keys()) {
        const kind = String.fromCharCode(key[0]!)
        kinds.set(kind, [...(kinds.get(kind) ?? []), key])
      }
    }),
  )
  return new Map([...kinds].map(([kind, keys]) => [kind, [keys[0]!, keys[keys.length >> 1]!, keys.at(-1)!]]))
}

/** First and last bytes, and some between. */
const placesIn = (length: number): number[] =>
  length === 0
    ? []
    : [...new Set([0, 1, 4, 5, 9, length >> 2, length >> 1, length - 1])].filter((at) => at < length)

test('a store that alters one reading is judged wrong', async () => {
  await sample.inCopy(async (path) => {
    const { store } = await openLogged(path)
    const range: ReadingStore['range'] = async function* (query) {
      for await (const chunk of store.range(query))
        yield chunk.map((reading) =>
          reading.seq === sample.acknowledged.get(8) ? { ...reading, time: reading.time + 1 } : reading,
        )
    }
    const altered = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = name === 'range' ? range : Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    expect(await judge(store, sample)).toEqual({ wrong: [], missing: [], refused: [] })
    expect((await judge(altered, sample)).wrong.join()).toContain('reading 8 is altered')
    await store.close()
  })
})

describe('a flipped bit in a record', () => {
  test('of any kind is noticed or does no harm, and the other topics are served', {
    timeout: 240_000,
  }, async () => {
    const kinds = await keysByKind()
    expect([...kinds.keys()]).toEqual(expect.arrayContaining(['B', 'C', 'I', 'L', 'R', 'T', 'V']))
    for (const [kind, keys] of kinds) {
      for (const key of keys) {
        const length = await sample.inCopy((path) =>
          withDatabase(path, async (db) => (await db.get(key))!.length),
        )
        for (const at of placesIn(length)) {
          const verdict = await afterHarm((path) =>
            withDatabase(path, async (db) => db.put(key, flip((await db.get(key))!, at))),
          )
          const where = `${kind} ${key.toString('hex')}, byte ${at} of ${length}`
          expect(verdict.wrong, where).toEqual([])
          expect(verdict.isRefused, `${where}: refused as a whole`).toBe(kind === 'V' && verdict.isRefused)
          if (verdict.missing.length > 0) expect(verdict.isNoticed, `${where}: lost in silence`).toBe(true)
          expect(verdict.refused.length, `${where}: refused ${verdict.refused.join()}`).toBeLessThan(
            topicCount,
          )
          if (kind !== 'L') expect(verdict.missing.length, `${where}: missing`).toBeLessThan(sample.count / 5)
          else expect(Math.min(...verdict.missing, sample.count), where).toBeGreaterThanOrEqual(sample.rolled)
        }
      }
    }
  })
})

describe('a flipped bit in a file', () => {
  test('of the database is never a wrong answer', { timeout: 240_000 }, async () => {
    const names = readdirSync(sample.path).filter((name) =>
      /^(CURRENT|MANIFEST-.*|.*\.(log|ldb))$/.test(name),
    )
    expect(names.length).toBeGreaterThan(2)
    for (const name of names) {
      const { length } = readFileSync(join(sample.path, name))
      const flips = name === 'CURRENT' ? 4 : 24
      for (let k = 0; k < flips && length > 0; k++) {
        const at = hash(k, length) % length
        const verdict = await afterHarm(async (path) => {
          const file = join(path, name)
          writeFileSync(file, flip(readFileSync(file), at))
        })
        expect(verdict.wrong, `${name}, byte ${at} of ${length}`).toEqual([])
      }
    }
  })
})
