// The memory of the whole server in the profile `small`, started as the Docker image starts it, while clients publish 5,000
// messages a second.

import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LoadOptions, LoadResult } from '../load.ts'
import { account, startServer } from './amber.ts'
import { memoryOf } from './process.ts'

/** See docker/Dockerfile. */
const environment = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
}

const load = join(import.meta.dirname, '../load.ts')

export async function measureSmall(
  parent: string,
  seconds: number,
): Promise<{ mostBytes: number; messagesPerSecond: number }> {
  const home = join(parent, 'small')
  mkdirSync(home)
  const server = await startServer(home, ['--store.memory=small'], environment)
  try {
    const options: LoadOptions = {
      ...account,
      port: server.mqttPort,
      clients: 50,
      window: 1000,
      warmUpMs: 500,
      measureMs: seconds * 1000,
      pace: 5000,
    }
    const flags = ['--import', 'tsx', load, JSON.stringify(options)]
    const { stdout } = await promisify(execFile)(process.execPath, flags)
    const { messagesPerSecond } = JSON.parse(stdout) as LoadResult
    return { mostBytes: memoryOf(server.process.pid ?? 0, 'VmHWM'), messagesPerSecond }
  } finally {
    await server.stop()
  }
}
