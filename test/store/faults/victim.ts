// Runs the writer in a process of its own and ends it with SIGKILL at a moment of the test's choosing.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { WriterOptions } from './writer.ts'

const writer = join(import.meta.dirname, 'writer.ts')

/** When the writer is killed: once so many readings are acknowledged, in the nth stage of that name, and a moment later. */
export interface Moment {
  acknowledged: number
  stage?: string
  /** How often the stage is entered before it counts. */
  nth?: number
  delayMs: number
}

/** What the writer said before it ended: each acknowledged reading and its number. */
export type Acknowledged = Map<number, number>

/** Throws when the writer ends by itself: it found a fault of its own. */
export async function killAt(
  options: WriterOptions,
  moment: Moment,
  onStage: (stage: string, value: number, acknowledged: Acknowledged) => void = () => {},
): Promise<Acknowledged> {
  const child = spawn(process.execPath, ['--import', 'tsx', writer, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit')
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += String(chunk)))
  const acknowledged: Acknowledged = new Map()
  let entered = 0
  let isDue = false
  for await (const line of createInterface({ input: child.stdout })) {
    const [first = '', second = '', third = ''] = line.split(' ')
    if (first === 'stage') onStage(second, Number(third), acknowledged)
    if (first === 'stage') entered += Number(second === moment.stage)
    else acknowledged.set(Number(first), Number(second))
    const isStage = moment.stage === undefined || entered >= (moment.nth ?? 1)
    if (isDue || !isStage || acknowledged.size < moment.acknowledged) continue
    isDue = true
    setTimeout(() => child.kill('SIGKILL'), moment.delayMs)
  }
  const [code, signal] = (await exit) as [number | null, string | null]
  if (signal !== 'SIGKILL') throw new Error(`the writer ended with ${code ?? signal}:\n${errors}`)
  return acknowledged
}
