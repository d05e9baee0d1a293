// The end of LevelDB's log torn off or zeroed, as power loss leaves it without fsync: what is served is the beginning of what
// was appended, whole, and the store goes on from there.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { append, collect } from '../reading.ts'
import { numbered, numberOf } from './numbered.ts'
import { makeSample, openLogged, type Sample, samplePattern } from './sample.ts'
import { findFaults } from './verifier.ts'

let sample: Sample
beforeAll(async () => {
  sample = await makeSample(300, 700)
})
afterAll(() => rmSync(sample.path, { recursive: true }))

const harms: { name: string; harm: (bytes: Buffer, length: number) => Buffer }[] = [
  { name: 'torn off', harm: (bytes, length) => bytes.subarray(0, bytes.length - length) },
  { name: 'zeroed', harm: (bytes, length) => Buffer.from(bytes).fill(0, bytes.length - length) },
  {
    name: 'filled with noise',
    harm: (bytes, length) => Buffer.from(bytes).fill('noise', bytes.length - length),
  },
]
const lengths = [1, 2, 7, 8, 30, 100, 999, 5000, 20_000, 40_000]
const cases = harms.flatMap(({ name, harm }) => lengths.map((length) => ({ name, harm, length })))

test.each(cases)(
  'with the last $length bytes of the log $name a beginning is served whole',
  async ({ harm, length }) => {
    await sample.inCopy(async (path) => {
      const file = join(path, newestLog(path))
      const bytes = readFileSync(file)
      writeFileSync(file, harm(bytes, Math.min(length, bytes.length)))
      let store: ReadingStore
      try {
        ;({ store } = await openLogged(path))
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
        expect(error).toMatchObject({ code: 'store_corrupt' })
        return
      }
      const kept = (await collect(store)).map(numberOf).sort((a, b) => a - b)
      expect(kept.length).toBeGreaterThanOrEqual(sample.rolled)
      expect(kept).toEqual(kept.map((_, i) => i))
      const acknowledged = new Map([...sample.acknowledged].slice(0, kept.length))
      expect(await findFaults(store, { pattern: samplePattern, acknowledged, end: sample.count })).toEqual([])
      // What comes now must find its place behind the gap, and be there after the next opening.
      acknowledged.set(sample.count, await append(store, numbered(sample.count, samplePattern)))
      await store.close()
      const again = (await openLogged(path)).store
      const expected = { pattern: samplePattern, acknowledged, end: sample.count + 1 }
      const faults = await findFaults(again, expected)
      await again.close()
      expect(faults).toEqual([])
    })
  },
)

function newestLog(path: string): string {
  return readdirSync(path)
    .filter((name) => /^\d+\.log$/.test(name))
    .sort()
    .at(-1)!
}
