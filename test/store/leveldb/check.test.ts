// Looking through a store: a whole one has no fault whatever happened to it, a damaged record of any kind is named, and what can
// be made again is made again.

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { checkStore } from '../../../src/store/leveldb/check.ts'
import { openLevelStore } from '../../../src/store/leveldb/engine.ts'
import { repairStore } from '../../../src/store/leveldb/repair.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { copyCrashed } from '../crashImage.ts'
import { storeConfig } from '../faults/storeConfig.ts'
import { numbered } from '../faults/numbered.ts'
import { append } from '../reading.ts'

const log = createLog({ level: 'silent', format: 'json' })
const home = mkdtempSync(join(tmpdir(), 'amber-check-'))
const sample = join(home, 'sample')
const options = (path: string) => ({ ...storeConfig, path })
afterAll(() => rmSync(home, { recursive: true }))

type Rolling = ReadingStore & { roll(): Promise<void> }

/** Blocks, late readings in them, a removal, and a log that is not rolled. */
beforeAll(async () => {
  const store = (await openLevelStore(options(join(home, 'first')), { log })) as Rolling
  for (let round = 0; round < 3; round++) {
    const numbers = Array.from({ length: 600 }, (_one, i) => round * 600 + i)
    await Promise.all(numbers.map((n) => append(store, numbered(n, 'late'), { receipt: `r${n % 5}` })))
    await store.roll()
  }
  const everything = { filters: ['plant/3/state'], from: -(2 ** 46), to: 2 ** 46, isDryRun: false }
  expect((await store.remove(everything)).readings).toBeGreaterThan(0)
  await Promise.all(Array.from({ length: 300 }, (_one, i) => append(store, numbered(1800 + i, 'late'))))
  // As it is while it runs: closing would roll the log.
  const crashed = await copyCrashed(join(home, 'first'))
  cpSync(crashed, sample, { recursive: true })
  rmSync(crashed, { recursive: true })
  await store.close()
})

/** A copy of the sample, harmed. */
async function harmed(harm: (db: Level<Buffer, Buffer>) => Promise<void>): Promise<string> {
  const path = mkdtempSync(join(home, 'copy-'))
  cpSync(sample, path, { recursive: true })
  const db = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await harm(db)
  await db.close()
  return path
}

async function keysOf(db: Level<Buffer, Buffer>, letter: string): Promise<Buffer[]> {
  const all = await db.keys().all()
  return all.filter((key) => key[0] === letter.charCodeAt(0))
}

const flip = (letter: string) => async (db: Level<Buffer, Buffer>) => {
  const [key] = await keysOf(db, letter)
  if (!key) throw new Error(`the sample has no ${letter}`)
  const value = Buffer.from((await db.get(key)) ?? '')
  const at = value.length >> 1
  value[at] = (value[at] ?? 0) ^ 4
  await db.put(key, value)
}

test('a store that was rolled, hit by late readings and removed from has no fault', async () => {
  const check = await checkStore(sample)
  expect(check.faults).toEqual([])
  expect(check.topics).toBe(11)
  const store = await openLevelStore(options(await harmed(async () => undefined)), { log })
  expect(check.readings).toBe(store.status.readings)
  await store.close()
})

test.each([
  ['H', /^shape 1: .*checksum/, true],
  ['h', /^second copy of shape 1/, true],
  ['C', /^capture data 0/, true],
  ['c', /^second copy of capture data 0/, true],
  ['T', /^record of topic number 0/, true],
  ['N', /^name of topic number 0/, true],
  ['B', /^block of "plant\/\d+\/state" from .*checksum/, false],
  ['I', /^index of /, true],
  ['L', /^log segment of reading \d{16}: .*checksum/, false],
  ['R', /^receipt R /, false],
] as const)(
  'a flipped bit in a record of kind %s is named, and mended where it can be',
  async (letter, pattern, isMendable) => {
    const path = await harmed(flip(letter))
    const { faults } = await checkStore(path)
    const texts = faults.map(({ what, why }) => `${what}: ${why}`)
    expect(
      texts.some((text) => pattern.test(text)),
      texts.join('\n'),
    ).toBe(true)
    await repairStore(options(path), { log })
    const after = await checkStore(path)
    if (isMendable) expect(after.faults).toEqual([])
    else expect(after.faults.length).toBeGreaterThan(0)
  },
)

test('what belongs together and is not together is named', async () => {
  const lost = async (letter: string) => {
    const path = await harmed(async (db) => {
      const [key] = await keysOf(db, letter)
      if (key) await db.del(key)
    })
    return (await checkStore(path)).faults.map(({ what, why }) => `${what}: ${why}`).join('\n')
  }
  expect(await lost('I')).toMatch(/^index of block of .*: it is missing/m)
  expect(await lost('B')).toMatch(/its block is missing/)
  expect(await lost('T')).toMatch(/record of topic "plant.*: it is missing/)
  const stranger = await harmed((db) => db.put(Buffer.from('zebra'), Buffer.from('x')))
  expect((await checkStore(stranger)).faults).toMatchObject([{ why: 'no record of Amber has such a key' }])
})

test('a block whose index is gone is found again after a repair', async () => {
  const path = await harmed(async (db) => {
    const [key] = await keysOf(db, 'I')
    if (key) await db.del(key)
  })
  await repairStore(options(path), { log })
  expect((await checkStore(path)).faults).toEqual([])
})

test('where there is no store, none is made', async () => {
  const nothing = join(home, 'nothing')
  await expect(checkStore(nothing)).rejects.toMatchObject({ code: 'store_foreign' })
  await expect(repairStore(options(nothing), { log })).rejects.toMatchObject({ code: 'store_foreign' })
})

test('a store whose CURRENT file is gone is refused, and is whole again after a repair', async () => {
  const path = await harmed(async () => undefined)
  rmSync(join(path, 'CURRENT'))
  await expect(checkStore(path)).rejects.toMatchObject({ code: 'store_corrupt' })
  await repairStore(options(path), { log })
  const [before, after] = [await checkStore(sample), await checkStore(path)]
  expect(after.readings).toBe(before.readings)
  expect(after.faults).toEqual([])
})
