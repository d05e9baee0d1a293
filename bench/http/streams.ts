// A thousand readers of live streams while devices publish: how long acknowledgements take, and whether every reader gets every
// event it asked for. Readers and publishers are processes of their own.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LoadOptions, LoadResult } from '../load.ts'
import { account, startServer } from '../store/amber.ts'

export interface StreamSize {
  readers: number
  /** Over all readers. */
  eventsPerSecond: number
  ingestPerSecond: number
  seconds: number
}

export interface StreamFigures {
  /** With the same ingest and no reader. */
  aloneP99Ms: number
  ackP50Ms: number
  ackP99Ms: number
  ingested: number
  events: number
  missed: number
}

const load = join(import.meta.dirname, '../load.ts')
const readersFile = join(import.meta.dirname, 'readers.ts')
/** The devices that load.ts publishes as. */
const clients = 10
/** Readers that follow the same topic. */
export const readersOfOne = 10

export async function measureStreams(parent: string, size: StreamSize): Promise<StreamFigures> {
  const home = join(parent, 'streams')
  mkdirSync(home)
  const server = await startServer(home, ['--limits.stream_readers=2000'])
  const publishing = (topic: string | undefined, pace: number, count: number): Promise<LoadResult> => {
    const options: LoadOptions & { topic?: string } = {
      ...account,
      port: server.mqttPort,
      clients: count,
      window: 2000,
      warmUpMs: 1000,
      measureMs: size.seconds * 1000,
      pace,
      ...(topic === undefined ? {} : { topic }),
    }
    const flags = ['--import', 'tsx', load, JSON.stringify(options)]
    return promisify(execFile)(process.execPath, flags).then(({ stdout }) => JSON.parse(stdout) as LoadResult)
  }
  const alone = await publishing(undefined, size.ingestPerSecond, clients)
  const readers = spawn(
    process.execPath,
    ['--import', 'tsx', readersFile, String(server.httpPort), String(size.readers)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  try {
    let output = ''
    readers.stdout.on('data', (chunk: Buffer) => (output += String(chunk)))
    while (!output.includes('ready')) await once(readers.stdout, 'data')
    // Ten readers follow each of the topics; the rest nobody follows.
    const topics = size.readers / readersOfOne
    const pace = size.eventsPerSecond / readersOfOne
    const [followed, rest] = await Promise.all([
      publishing('live', pace, topics),
      publishing(undefined, size.ingestPerSecond - pace, clients),
    ])
    readers.stdin.write('done\n')
    await once(readers, 'exit')
    const { events } = JSON.parse(output.split('\n').at(-2) ?? '{}') as { events: number }
    const expected = followed.acknowledged * readersOfOne
    return {
      aloneP99Ms: alone.p99Ms,
      ackP50Ms: rest.p50Ms,
      ackP99Ms: rest.p99Ms,
      ingested: rest.messagesPerSecond + followed.messagesPerSecond,
      events: events / (size.seconds + 1),
      missed: expected - events,
    }
  } finally {
    readers.kill()
    await server.stop()
  }
}
