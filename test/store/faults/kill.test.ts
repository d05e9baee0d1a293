// kill -9 during commits, rolls, merges and openings: every acknowledged reading is there, byte for byte, none twice, in order,
// and what was not acknowledged is there whole or not at all.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { openStore } from '../../../src/store/open.ts'
import { copyCrashed } from '../crashImage.ts'
import { hash, type Pattern } from './numbered.ts'
import { findFaults } from './verifier.ts'
import { type Acknowledged, killAt, type Moment } from './victim.ts'
import { storeConfig } from './storeConfig.ts'

const log = createLog({ level: 'silent', format: 'json' })

interface Scenario {
  name: string
  pattern: Pattern
  window: number
  rollEvery: number
  removeEvery?: number
  kills: number
  moment: (round: number) => Moment
}

const scenarios: Scenario[] = [
  {
    name: 'commits',
    pattern: 'steady',
    window: 48,
    rollEvery: 0,
    kills: 14,
    moment: (round) => ({ acknowledged: 150 + 97 * round, delayMs: hash(round, 1) % 8 }),
  },
  {
    name: 'rolls',
    pattern: 'steady',
    window: 300,
    rollEvery: 700,
    kills: 14,
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
    kills: 14,
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
    kills: 14,
    moment: (round) => ({
      acknowledged: 500,
      stage: 'removing',
      nth: 1 + (round % 2),
      delayMs: hash(round, 5) % 60,
    }),
  },
  {
    name: 'openings, between which much is left in the log',
    pattern: 'late',
    window: 400,
    rollEvery: 0,
    kills: 14,
    moment: (round) =>
      round % 2 === 0
        ? { acknowledged: 2500, delayMs: 0 }
        : { acknowledged: 0, stage: 'opening', delayMs: hash(round, 4) % 60 },
  },
]

test.each(scenarios)(
  'kill -9 during $name loses nothing acknowledged',
  {
    timeout: 300_000,
  },
  async ({ pattern, window, rollEvery, removeEvery = 0, kills, moment }) => {
    const path = mkdtempSync(join(tmpdir(), 'amber-kill-'))
    const acknowledged: Acknowledged = new Map()
    let first = 0
    let removedTo = Number.NEGATIVE_INFINITY
    let removingTo = Number.NEGATIVE_INFINITY
    const onStage = (stage: string, value: number): void => {
      if (stage === 'removing') removingTo = value
      if (stage === 'removed') removedTo = value
    }
    try {
      for (let round = 0; round < kills; round++) {
        const options = { path, pattern, first, window, rollEvery, removeEvery }
        for (const [n, seq] of await killAt(options, moment(round), onStage)) {
          acknowledged.set(n, seq)
          first = Math.max(first, n + 1)
        }
        // The writer had no more than its window under way, and maybe as many whose acknowledgement was not heard.
        first += 2 * window
        // Half of the time the next writer itself finds what the kill has left.
        const crashed = round % 2 === 0 ? await copyCrashed(path) : path
        const store = await openStore({ ...storeConfig, path: crashed }, { log })
        const faults = await findFaults(store, { pattern, acknowledged, end: first, removedTo, removingTo })
        await store.close()
        if (crashed !== path) rmSync(crashed, { recursive: true })
        expect(faults, `round ${round}`).toEqual([])
      }
      expect(acknowledged.size).toBeGreaterThan(kills * 100)
    } finally {
      rmSync(path, { recursive: true, force: true })
    }
  },
)
