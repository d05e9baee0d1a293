// kill -9 during commits, rolls, merges, removals, backups and openings: every acknowledged reading is there, byte for byte,
// none twice, in order, and what was not acknowledged is there whole or not at all. AMBER_KILLS sets the kills of each kind, for a longer run.

import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import { createLog } from '../../../src/ops/log.ts'
import { openStore } from '../../../src/store/open.ts'
import { checkStore } from '../../../src/store/leveldb/check.ts'
import { restoreBackup } from '../../../src/store/restore.ts'
import { copyCrashed } from '../crashImage.ts'
import { hash, type Pattern } from './numbered.ts'
import { type Expected, findFaults } from './verifier.ts'
import { type Acknowledged, killAt, type Moment } from './victim.ts'
import { storeConfig } from './storeConfig.ts'

const log = createLog({ level: 'silent', format: 'json' })

/** Of each kind: with six kinds sixty in all. */
const kills = Number(process.env['AMBER_KILLS'] ?? 10)

interface Scenario {
  name: string
  pattern: Pattern
  window: number
  rollEvery: number
  removeEvery?: number
  backupEvery?: number
  moment: (round: number) => Moment
}

const scenarios: Scenario[] = [
  {
    name: 'commits',
    pattern: 'steady',
    window: 48,
    rollEvery: 0,
    moment: (round) => ({ acknowledged: 150 + 97 * round, delayMs: hash(round, 1) % 8 }),
  },
  {
    name: 'rolls',
    pattern: 'steady',
    window: 300,
    rollEvery: 700,
    moment: (round) => ({
      acknowledged: 500,
      stage: 'rolling',
      nth: 1 + (round % 3),
      delayMs: hash(round, 2) % 60,
    }),
  },
  {
    name: 'merges of late readings',
    pattern: 'late',
    window: 300,
    rollEvery: 900,
    moment: (round) => ({
      acknowledged: 700,
      stage: 'rolling',
      nth: 1 + (round % 3),
      delayMs: hash(round, 3) % 60,
    }),
  },
  {
    name: 'removals',
    pattern: 'steady',
    window: 300,
    rollEvery: 0,
    removeEvery: 1100,
    moment: (round) => ({
      acknowledged: 500,
      stage: 'removing',
      nth: 1 + (round % 2),
      delayMs: hash(round, 5) % 60,
    }),
  },
  {
    name: 'backups',
    pattern: 'steady',
    window: 300,
    rollEvery: 900,
    backupEvery: 400,
    moment: (round) => ({
      acknowledged: 500,
      stage: 'saving',
      nth: 1 + (round % 3),
      delayMs: hash(round, 6) % 30,
    }),
  },
  {
    name: 'openings, between which much is left in the log',
    pattern: 'late',
    window: 400,
    rollEvery: 0,
    moment: (round) =>
      round % 2 === 0
        ? { acknowledged: 2500, delayMs: 0 }
        : { acknowledged: 0, stage: 'opening', delayMs: hash(round, 4) % 60 },
  },
]

test.concurrent.each(scenarios)(
  'kill -9 during $name loses nothing acknowledged',
  { timeout: 60_000 + 20_000 * kills },
  async (scenario) => {
    const home = mkdtempSync(join(tmpdir(), 'amber-kill-'))
    try {
      await killAgainAndAgain(scenario, home)
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  },
)

async function killAgainAndAgain(scenario: Scenario, home: string): Promise<void> {
  const { pattern, window, moment } = scenario
  const path = join(home, 'readings')
  const backupPath = join(home, 'backup-')
  const acknowledged: Acknowledged = new Map()
  const backups: Record<'whole' | 'cut', number> = { whole: 0, cut: 0 }
  let first = 0
  let removedTo = Number.NEGATIVE_INFINITY
  let removingTo = Number.NEGATIVE_INFINITY
  for (let round = 0; round < kills; round++) {
    const started = new Map<number, Acknowledged>()
    const finished = new Set<number>()
    const onStage = (stage: string, value: number, since: Acknowledged): void => {
      if (stage === 'removing') removingTo = value
      if (stage === 'removed') removedTo = value
      if (stage === 'saving') started.set(value, new Map([...acknowledged, ...since]))
      if (stage === 'saved') finished.add(value)
    }
    const options = { ...scenario, path, backupPath, first }
    for (const [n, seq] of await killAt(options, moment(round), onStage)) {
      acknowledged.set(n, seq)
      first = Math.max(first, n + 1)
    }
    // The writer had no more than its window under way, and maybe as many whose acknowledgement was not heard.
    first += 2 * window
    // Half of the time the next writer itself finds what the kill has left.
    const crashed = round % 2 === 0 ? await copyCrashed(path) : path
    expect((await checkStore(crashed)).faults, `round ${round}: records`).toEqual([])
    const store = await openStore({ ...storeConfig, path: crashed }, { log })
    const faults = await findFaults(store, { pattern, acknowledged, end: first, removedTo, removingTo })
    await store.close()
    if (crashed !== path) rmSync(crashed, { recursive: true })
    expect(faults, `round ${round}`).toEqual([])
    for (const [n, before] of started) {
      const wrong = await findBackupFaults(`${backupPath}${n}`, { pattern, acknowledged: before, end: first })
      // The word that it is finished may have died with the writer.
      if (wrong === null)
        expect(finished, 'a backup that was said to be finished is refused').not.toContain(n)
      else expect(wrong, `round ${round}: backup at ${n}`).toEqual([])
      backups[wrong === null ? 'cut' : 'whole']++
    }
  }
  expect(acknowledged.size).toBeGreaterThan(kills * 100)
  if (!scenario.backupEvery) return
  // Where a kill hits is chance; that backups were begun and looked at is not.
  expect(backups.whole + backups.cut, 'backups under load').toBeGreaterThanOrEqual(kills / 2)
  expect(backups.whole, 'whole backups under load').toBeGreaterThan(0)
}

/** What is wrong with what a backup gives back; `null` when it is refused as cut off. */
async function findBackupFaults(file: string, expected: Expected): Promise<string[] | null> {
  const restored = `${file}-restored`
  try {
    if (!existsSync(file)) return null
    await restoreBackup(createReadStream(file), restored)
    const path = join(restored, 'readings')
    const broken = (await checkStore(path)).faults.map(({ what, why }) => `${what}: ${why}`)
    const store = await openStore({ ...storeConfig, path }, { log })
    const faults = await findFaults(store, expected)
    await store.close()
    return [...broken, ...faults]
  } catch (error) {
    if (error instanceof AppError && error.code === 'store_corrupt') return null
    throw error
  } finally {
    rmSync(file, { force: true })
    rmSync(restored, { recursive: true, force: true })
  }
}
