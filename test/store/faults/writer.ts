// A process that appends numbered readings to a store until it is killed. It says on standard output, a line each, what
// stage it enters (`stage opening`) and which readings were acknowledged (`<n> <seq>`), after they were.

import { createWriteStream, writeSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createLog } from '../../../src/ops/log.ts'
import { encodeBackup } from '../../../src/store/backup.ts'
import { openStore } from '../../../src/store/open.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { numbered, type Pattern, timeOf } from './numbered.ts'
import { storeConfig } from './storeConfig.ts'

export interface WriterOptions {
  path: string
  pattern: Pattern
  /** Number of the first reading. */
  first: number
  /** Readings under way at one time. */
  window: number
  /** Readings between two rolls; 0: the engine's own rolls only. */
  rollEvery: number
  /** Readings between two removals of everything older than the last thousand; 0: none. */
  removeEvery?: number
  /** Readings between two backups, each into the file of that name with its number behind it; 0: none. */
  backupEvery?: number
  backupPath?: string
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

async function write(options: WriterOptions): Promise<void> {
  const log = createLog({ level: 'silent', format: 'json' })
  say('stage opening')
  const store = await openStore({ ...storeConfig, path: options.path }, { log })
  say('stage open')
  let next = options.first
  let underWay = 0
  let lines = ''
  const flush = (): void => {
    const text = lines
    lines = ''
    if (text !== '') emit(text)
  }
  const append = (n: number): void => {
    underWay++
    store.append(numbered(n, options.pattern), { awaited: n % 5 !== 0 }, (error, seq) => {
      if (error) throw error
      underWay--
      if (lines === '') setImmediate(flush)
      lines += `${n} ${seq}\n`
    })
  }
  let removing: Promise<void> | null = null
  const remove = async (to: number): Promise<void> => {
    say(`stage removing ${to}`)
    await store.remove({ filters: [], from: 0, to, isDryRun: false })
    say(`stage removed ${to}`)
    removing = null
  }
  let saving: Promise<void> | null = null
  const save = async (n: number): Promise<void> => {
    flush()
    say(`stage saving ${n}`)
    await backUp(store, `${options.backupPath}${n}`)
    say(`stage saved ${n}`)
    saving = null
  }
  let rolling: Promise<void> | null = null
  for (;;) {
    while (underWay < options.window) {
      append(next++)
      const isOld = options.removeEvery && next % options.removeEvery === 0 && next > 1000
      if (isOld && !removing) removing = remove(timeOf(next - 1000, options.pattern))
      if (options.backupEvery && next % options.backupEvery === 0) saving ??= save(next)
      const isDue = options.rollEvery > 0 && next % options.rollEvery === 0
      if (!isDue || rolling) continue
      say('stage rolling')
      rolling = roll(store).finally(() => {
        say('stage rolled')
        rolling = null
      })
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const roll = (store: ReadingStore): Promise<void> =>
  (store as ReadingStore & { roll(): Promise<void> }).roll()

async function backUp(store: ReadingStore, file: string): Promise<void> {
  const head = { version: '', created_at: '', disk_bytes: 0 }
  const stream = encodeBackup(head, [{ name: 'readings', records: store.records() }])
  await pipeline(Readable.from(stream), createWriteStream(file))
}

const say = (line: string): void => emit(`${line}\n`)

/**
 * Written when it returns, however slow the reader is: process.stdout would keep what the pipe does not take, and a kill
 * would lose more acknowledgements than are under way.
 */
function emit(text: string): void {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(sleeper, 0, 0, 1)
    }
  }
}

await write(JSON.parse(process.argv[2] ?? '{}') as WriterOptions)
