// Starts a bare Aedes in a process of its own, so that a test may watch it fall.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { until } from '../rawClient.ts'

export interface Bare {
  port: number
  readonly fallen: boolean
  untilFallen(): Promise<void>
  stop(): Promise<void>
}

export async function startBare(...flags: string[]): Promise<Bare> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'bare.mjs'), ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout?.on('data', (chunk) => {
    text += String(chunk)
  })
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  await until(() => text.includes('\n') || isOver(), 'a bare Aedes to listen')
  return {
    port: Number(text),
    get fallen() {
      return isOver()
    },
    untilFallen: () => until(isOver, 'the bare Aedes to fall'),
    stop: async () => {
      child.kill('SIGKILL')
      await until(isOver, 'the bare Aedes to end')
    },
  }
}
