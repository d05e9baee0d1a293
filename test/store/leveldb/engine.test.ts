import { cpSync, mkdtempSync, renameSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { directoryBytes } from '../../../src/store/directory.ts'
import { openStore } from '../../../src/store/open.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { describeStore } from '../contract.ts'
import { append, collect, collectSamples, collectSeries, reading } from '../reading.ts'

const log = createLog({ level: 'silent', format: 'json' })
const config = {
  engine: 'leveldb',
  durability: 'fsync',
  max_pending_bytes: 64 * 2 ** 20,
  max_bytes: 0,
  retention: () => [],
  memory: 'normal',
} as const
const open = (path: string): Promise<ReadingStore> => openStore({ ...config, path }, { log })
const temporary = (): string => mkdtempSync(join(tmpdir(), 'amber-store-'))

/** The engine's own roll; no part of the seam. */
const roll = (store: ReadingStore): Promise<void> =>
  (store as ReadingStore & { roll(): Promise<void> }).roll()

describeStore('leveldb', () => {
  const path = temporary()
  return {
    open: () => open(path),
    settle: roll,
    remove: async () => rmSync(path, { recursive: true, force: true }),
  }
})

let path: string
beforeEach(() => {
  path = temporary()
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

test('a directory in use is refused as store_locked', async () => {
  const store = await open(path)
  await expect(open(path)).rejects.toMatchObject({ code: 'store_locked' })
  await store.close()
})

test('a directory that holds something else is refused and left alone', async () => {
  writeFileSync(join(path, 'holiday.jpg'), 'x')
  await expect(open(path)).rejects.toMatchObject({ code: 'store_foreign' })
  expect(readdirSync(path)).toEqual(['holiday.jpg'])
})

test('a LevelDB of somebody else is refused and left alone', async () => {
  const other = new Level<string, string>(path)
  await other.put('mine', 'yes')
  await other.close()
  await expect(open(path)).rejects.toMatchObject({ code: 'store_foreign' })
  const again = new Level<string, string>(path)
  expect(await again.get('mine')).toBe('yes')
  await again.close()
})

test('a store whose CURRENT is missing is refused, and not one file is deleted', async () => {
  const store = await open(path)
  await append(store, { topic: 'a' })
  await store.close()
  rmSync(join(path, 'CURRENT'))
  const before = readdirSync(path)
  await expect(open(path)).rejects.toMatchObject({ code: 'store_corrupt' })
  expect(readdirSync(path)).toEqual(before)
})

test('a flipped byte in a block is an error that names topic and time, never a wrong value', async () => {
  const store = await open(path)
  for (let i = 0; i < 500; i++)
    await append(
      store,
      { topic: 'a', time: i, payload: Buffer.from(`value-${i}-abcdefgh`) },
      { awaited: false },
    )
  await append(store, { topic: 'b', payload: Buffer.from('whole') })
  await store.close()
  const db = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  for await (const [key, value] of db.iterator({ gte: Buffer.from('B'), lt: Buffer.from('C') })) {
    if (value.length < 1000) continue
    value[500] = (value[500] ?? 0) ^ 1
    await db.put(key, value)
  }
  await db.close()
  const again = await open(path)
  await expect(collect(again, { filters: ['a'] })).rejects.toMatchObject({
    code: 'store_corrupt',
    message: expect.stringContaining('"a"'),
  })
  expect(String((await collect(again, { filters: ['b'] }))[0]?.payload)).toBe('whole')
  await again.close()
})

test('a database file cut short is refused or served whole, never served wrong', async () => {
  const store = await open(path)
  for (let i = 0; i < 200; i++)
    await append(store, { topic: 'a', time: i, payload: Buffer.from(`v${i}`) }, { awaited: false })
  await append(store, { topic: 'a', time: 999 })
  await store.close()
  for (const name of readdirSync(path).filter((file) => file.endsWith('.log'))) {
    const bytes = readFileSync(join(path, name))
    writeFileSync(join(path, name), bytes.subarray(0, Math.floor(bytes.length * 0.7)))
  }
  let again: ReadingStore | null = null
  try {
    again = await open(path)
    for (const { time, payload } of await collect(again))
      expect(String(payload)).toBe(time === 999 ? '1' : `v${time}`)
  } catch (error) {
    expect(error).toMatchObject({ code: 'store_corrupt' })
  } finally {
    await again?.close()
  }
})

/** Flips a bit of the last record of a kind; their number. */
async function damage(kind: string): Promise<number> {
  const db = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const all = await db.iterator({ gte: Buffer.from(kind), lt: Buffer.from(`${kind}\xff`, 'latin1') }).all()
  const [key, value] = all.at(-1) ?? []
  if (key && value) {
    value[value.length - 1] = (value.at(-1) ?? 0) ^ 1
    await db.put(key, value)
  }
  await db.close()
  return all.length
}

test('with durability async each reading is there once after closing and opening again', async () => {
  const store = await openStore({ ...config, path, durability: 'async', memory: 'small' }, { log })
  await Promise.all(Array.from({ length: 20_000 }, (_, time) => append(store, { topic: 'a', time })))
  await store.close()
  const again = await open(path)
  const seqs = (await collect(again)).map(({ seq }) => seq)
  expect([seqs.length, new Set(seqs).size, again.status.readings]).toEqual([20_000, 20_000, 20_000])
  await again.close()
})

test('the record of a topic is made again when it is damaged, and no other topic gets its readings', async () => {
  const store = await open(path)
  await append(store, { topic: 'old', payload: Buffer.from('old') })
  await store.close()
  await damage('T')
  for (const payload of ['1', '2']) {
    const again = await open(path)
    await append(again, { topic: 'new', payload: Buffer.from(payload) })
    await again.close()
  }
  const last = await open(path)
  expect((await collect(last)).map(({ topic, payload }) => `${topic}=${String(payload)}`)).toEqual([
    'old=old',
    'new=1',
    'new=2',
  ])
  await last.close()
})

test('a reading never gets the client of another when capture data is damaged', async () => {
  const store = await open(path)
  await append(store, { topic: 'a', clientId: 'alice', user: 'alice' })
  await store.close()
  await damage('C')
  const mended = await open(path)
  expect((await collect(mended)).map(({ user }) => user)).toEqual(['alice'])
  await mended.close()
  await damage('c')
  const again = await open(path)
  await append(again, { topic: 'b', clientId: 'bob', user: 'bob' })
  expect((await collect(again, { filters: ['b'] }))[0]?.user).toBe('bob')
  await expect(collect(again, { filters: ['a'] })).rejects.toMatchObject({ code: 'store_corrupt' })
  await again.close()
})

test('a damaged block does not keep the log from being rolled, late readings or new ones', async () => {
  const store = await open(path)
  for (let i = 0; i < 10; i++) await append(store, { topic: 'a', time: i })
  await store.close()
  expect(await damage('B')).toBe(1)
  const again = await open(path)
  for (const time of [5, 100, 200]) await append(again, { topic: 'a', time })
  await append(again, { topic: 'b' })
  await roll(again)
  expect((await collect(again, { filters: ['a'], from: 10 })).map(({ time }) => time)).toEqual([100, 200])
  expect((await collect(again, { filters: ['b'] })).length).toBe(1)
  await expect(collect(again, { filters: ['a'] })).rejects.toMatchObject({ code: 'store_corrupt' })
  await again.close()
  expect(await damage('L')).toBe(0)
})

test('a number is never given twice, also when the newest segment is damaged', async () => {
  const store = await open(path)
  const first = await append(store, { topic: 'a' })
  const second = await append(store, { topic: 'a' })
  // As after a crash: the log is not rolled.
  cpSync(path, `${path}-copy`, { recursive: true })
  await store.close()
  rmSync(path, { recursive: true })
  renameSync(`${path}-copy`, path)
  expect(await damage('L')).toBe(2)
  const again = await open(path)
  expect((await collect(again)).map(({ seq }) => seq)).toEqual([first])
  expect(await append(again, { topic: 'a' })).toBeGreaterThan(second)
  await again.close()
})

test('more than store.max_pending_bytes under way is refused as store_overloaded, and the rest is stored', async () => {
  const store = await openStore({ ...config, path, max_pending_bytes: 65_536 }, { log })
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, (_, i) =>
      append(store, { topic: 'a', time: i, payload: Buffer.alloc(4096) }),
    ),
  )
  const stored = results.filter(({ status }) => status === 'fulfilled').length
  expect(stored).toBeGreaterThan(5)
  expect(stored).toBeLessThan(100)
  for (const result of results)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'store_overloaded' })
  expect((await collect(store)).length).toBe(stored)
  await store.close()
})

test('rows appended while others are acknowledged are committed after them, each once', async () => {
  const store = await open(path)
  const seqs: number[] = []
  await new Promise<void>((resolve, reject) => {
    let sent = 0
    const next = (): void => {
      if (sent === 3000) return
      const payload = Buffer.from(String(sent++))
      store.append(
        reading({ topic: 'a', time: sent, payload }),
        { awaited: true, receipt: `r${sent}` },
        (error, seq) => {
          if (error) reject(error)
          seqs.push(seq)
          if (seqs.length === 3000) resolve()
          next()
        },
      )
    }
    for (let open = 0; open < 100; open++) next()
  })
  expect(seqs).toEqual(Array.from({ length: 3000 }, (_, i) => (i + 1) * 1024))
  expect((await collect(store)).map(({ payload }) => String(payload))).toEqual(seqs.map((_, i) => String(i)))
  await store.close()
})

const retain = (store: ReadingStore): Promise<void> =>
  (store as ReadingStore & { retain(): Promise<void> }).retain()

test('retention by age removes what is too old of the topics it names, the first entry that matches', async () => {
  let rules = [{ filter: '#', max_age_s: 48 * 3600, max_bytes: 0 }]
  const store = await openStore({ ...config, path, retention: () => rules }, { log })
  const now = Date.now()
  for (const topic of ['a', 'keep/a']) {
    for (const age of [30 * 3_600_000, 7_200_000, 60_000]) await append(store, { topic, time: now - age })
    await roll(store)
  }
  await append(store, { topic: 'a', time: now - 1000 })
  await retain(store)
  expect(store.status.readings).toBe(7)
  // Others are in force from now on.
  rules = [
    { filter: 'keep/#', max_age_s: 0, max_bytes: 0 },
    { filter: '#', max_age_s: 3600, max_bytes: 0 },
  ]
  await retain(store)
  const left = (await collect(store)).map(({ topic, time }) => [topic, now - time])
  expect(left.filter(([topic]) => topic === 'a')).toEqual([
    ['a', 60_000],
    ['a', 1000],
  ])
  expect(left.filter(([topic]) => topic === 'keep/a').length).toBe(3)
  expect(store.status.readings).toBe(5)
  await store.close()
})

test('retention by size removes the oldest blocks, and the disk gets the space back', {
  timeout: 60_000,
}, async () => {
  const store = await openStore({ ...config, path, max_bytes: 3_000_000 }, { log })
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.random() * 256))
  const rows = 8
  for (let block = 0; block < 12; block++) {
    const times = Array.from({ length: rows }, (_, i) => block * 1000 + i)
    await Promise.all(
      times.map((time) => append(store, { topic: `t${block % 3}`, time, payload: noise(65_536) })),
    )
    await roll(store)
  }
  await retain(store)
  const left = await collect(store)
  expect(left.length).toBeGreaterThan(rows)
  expect(left.length).toBeLessThan(12 * rows)
  const oldest = Math.min(...left.map(({ time }) => time))
  expect(oldest).toBeGreaterThan(1000)
  expect(store.status.readings).toBe(left.length)
  await store.close()
  expect(await directoryBytes(path)).toBeLessThan(4_500_000)
})

test('blocks that begin in the same millisecond are told apart, whatever was asked before', {
  timeout: 60_000,
}, async () => {
  const store = await open(path)
  const count = 10_000
  const numbers = Array.from({ length: count }, (_, n) => n)
  // More topics than are looked through on the main thread.
  const others = Array.from({ length: 100 }, (_, n) => `other/${n}`)
  await Promise.all([
    ...numbers.map((n) => append(store, { topic: 'same', time: 1000, payload: Buffer.from(`{"n":${n}}`) })),
    ...others.map((topic) => append(store, { topic, time: 1000, payload: Buffer.from('{"n":1}') })),
  ])
  await roll(store)
  const edges = Float64Array.of(0, 1001, 2000)
  for (let round = 0; round < 2; round++) {
    for (const quantiles of [[], [0.5]]) {
      const series = await collectSeries(store, { filters: [], fields: ['n'], edges, quantiles })
      const same = series.find(({ group }) => group === 'same')
      expect([same?.counts[0], same?.sums[0]]).toEqual([count, (count * (count - 1)) / 2])
      expect([same?.firsts[0], same?.lasts[0]]).toEqual([0, count - 1])
      if (quantiles.length > 0) expect(same?.quantiles[0]?.[0]).toBe((count - 1) / 2)
    }
    const samples = await collectSamples(store, { filters: ['same'] })
    expect(samples).toMatchObject([{ topic: 'same', field: 'n', values: numbers }])
    const found = await collect(store, { filters: ['same'] })
    expect(found.map(({ payload }) => String(payload))).toEqual(numbers.map((n) => `{"n":${n}}`))
  }
  await store.close()
})
