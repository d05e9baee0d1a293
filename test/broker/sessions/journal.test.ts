// The journal writes the state of one moment or nothing, and tries again what could not be written.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Journal, type Write } from '../../../src/broker/sessions/journal.ts'
import { readFollowed } from '../../../src/broker/sessions/records.ts'
import { Staging } from '../../../src/broker/sessions/staging.ts'
import { createLog } from '../../../src/ops/log.ts'
import { until } from '../rawClient.ts'

let path: string
let db: Level<string, string>
let staging: Staging
let journal: Journal
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'amber-journal-'))
  db = new Level<string, string>(path)
  await db.open()
  staging = new Staging(db)
  journal = new Journal({
    staging,
    log: createLog({ level: 'silent', format: 'json' }),
    retryMs: 5,
    intervalMs: 5,
  })
})
afterEach(async () => {
  await journal.close()
  await db.close()
  rmSync(path, { recursive: true, force: true })
})

const state = new Map<string, string>()
const capture = (key: string): Write => {
  const value = Buffer.from(state.get(key) ?? '')
  return (_durable, into) => into.put(key, value)
}
const change = (key: string, value: string): void => {
  state.set(key, value)
  journal.touch(key, capture)
}
const written = async (key: string): Promise<string | undefined> => (await staging.get(key))?.toString()

test('a cut holds everything touched before it, and the number of the reading that goes with it', async () => {
  change('a', '1')
  change('b', '1')
  journal.follow(7)
  await journal.cut()
  expect([await written('a'), await written('b'), await readFollowed(staging)]).toEqual(['1', '1', 7])
})

test('what changes while a cut is written belongs to the next one', async () => {
  change('a', '1')
  journal.touch('slow', () => async (_durable, into) => {
    change('a', '2')
    journal.follow(9)
    await into.put('slow', Buffer.from('x'))
  })
  journal.follow(8)
  await journal.cut()
  expect([await written('a'), await readFollowed(staging)]).toEqual(['1', 8])
  await journal.cut()
  expect([await written('a'), await readFollowed(staging)]).toEqual(['2', 9])
})

test('a cut that fails leaves nothing of itself behind, says so, and is tried again by itself', async () => {
  change('a', 'before')
  await journal.cut()
  let isBroken = true
  change('a', 'after')
  journal.touch('b', () => async (_durable, into) => {
    await into.put('b', Buffer.from('1'))
    if (isBroken) throw new Error('the disk is full')
  })
  journal.follow(5)
  await expect(journal.cut()).rejects.toThrow('the disk is full')
  expect([await written('a'), await written('b'), await readFollowed(staging)]).toEqual([
    'before',
    undefined,
    0,
  ])
  isBroken = false
  let seen: unknown[] = []
  const look = setInterval(() => {
    void Promise.all([written('a'), written('b'), readFollowed(staging)]).then((now) => {
      seen = now
    })
  }, 5)
  await until(() => seen[2] === 5, 'the next attempt')
  clearInterval(look)
  expect(seen).toEqual(['after', '1', 5])
})
