// How much a directory holds while its files are replaced, as LevelDB does when it merges them.

import { rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { directoryBytes } from '../../src/store/directory.ts'

let path: string

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'amber-directory-'))
})
afterEach(() => rm(path, { recursive: true, force: true }))

test('a directory whose files are written anew and deleted never seems to hold less', async () => {
  const bytes = 100_000
  const files = 20
  const name = (turn: number, file: number): string => join(path, `${turn}-${file}.ldb`)
  for (let file = 0; file < files; file++) writeFileSync(name(0, file), Buffer.alloc(bytes))
  let turn = 0
  // One file after another, between the names and the sizes.
  const replace = (): void => {
    const [before, now] = [Math.floor(turn / files), turn % files]
    writeFileSync(name(before + 1, now), Buffer.alloc(bytes))
    rmSync(name(before, now))
    turn++
  }
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 300; i++) {
    const measuring = directoryBytes(path)
    for (let j = 0; j < files; j++) replace()
    least = Math.min(least, await measuring)
  }
  expect(least).toBeGreaterThanOrEqual(files * bytes)
})
