// A store to be damaged: readings in blocks, readings in the log and receipts, as kill -9 would leave them.

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { openStore } from '../../../src/store/open.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { copyCrashed } from '../crashImage.ts'
import { append } from '../reading.ts'
import { numbered, type Pattern } from './numbered.ts'
import { storeConfig } from './storeConfig.ts'

export const samplePattern: Pattern = 'steady'

export interface Sample {
  path: string
  acknowledged: Map<number, number>
  /** Readings in blocks: those below. */
  rolled: number
  count: number
  /** The sample again, in a directory of its own that is removed afterwards. */
  inCopy<T>(use: (path: string) => Promise<T>): Promise<T>
}

/** `rolled` readings in blocks, in two rolls, and the others in the log. */
export async function makeSample(rolled: number, count: number): Promise<Sample> {
  const live = mkdtempSync(join(tmpdir(), 'amber-sample-'))
  const { store } = await openLogged(live)
  const acknowledged = new Map<number, number>()
  for (let n = 0; n < count; n++) {
    const options = n % 50 === 0 ? { receipt: `client-${n}/1` } : {}
    acknowledged.set(n, await append(store, numbered(n, samplePattern), options))
    if (n + 1 === Math.floor(rolled / 2) || n + 1 === rolled)
      await (store as ReadingStore & { roll(): Promise<void> }).roll()
  }
  const path = await copyCrashed(live)
  await store.close()
  rmSync(live, { recursive: true })
  const inCopy = async <T>(use: (path: string) => Promise<T>): Promise<T> => {
    const copy = mkdtempSync(join(tmpdir(), 'amber-damaged-'))
    try {
      cpSync(path, copy, { recursive: true })
      return await use(copy)
    } finally {
      rmSync(copy, { recursive: true })
    }
  }
  return { path, acknowledged, rolled, count, inCopy }
}

/** A store and the errors it logs. */
export async function openLogged(path: string): Promise<{ store: ReadingStore; errors: string[] }> {
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
  return { store: await openStore({ ...storeConfig, path }, { log }), errors }
}
