// Presence over a restart: each event as a JSON line in a file of the data directory, gathered for a moment and appended. Begun anew at
// each start and when it has grown, so that it holds little more than the table. It tells a story and guards nothing: it is not synced,
// and a file that cannot be read or written costs the story alone.

import { appendFile, open, readFile, rename, stat, utimes } from 'node:fs/promises'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Log } from '../ops/log.ts'
import { createPresence, type Presence, type PresenceEvent } from './presence.ts'

export interface KeptPresence extends Presence {
  /** Writes down what was not yet. */
  close(): Promise<void>
}

export interface PresenceDeps {
  /** Where it is kept; without it nothing outlasts the process. */
  presenceFile?: string
  log: Log
}

const writeEveryMs = 2000
/** The file is touched so often while nothing happens: known to what moment the server ran, and little written. */
const touchEveryMs = 30_000
/** Events that wait to be appended; with more of them the table is written instead. */
const waitingMax = 10_000
/** A file grows by so much before it is begun anew. */
const growthBytes = 4_194_304
/** What is larger was not written here. */
const fileBytesMax = 536_870_912

const eventSchema = Type.Object({
  time: Type.Integer(),
  clientId: Type.String(),
  event: Type.Union([Type.Literal('connected'), Type.Literal('disconnected')]),
  reason: Type.Union([Type.String(), Type.Null()]),
  user: Type.Union([Type.String(), Type.Null()]),
  address: Type.String(),
  protocolVersion: Type.Integer(),
})

/** Clients that were connected when the server went are known to have gone then. */
export async function openPresence(
  { presence_clients: clientsMax }: { presence_clients: number },
  { presenceFile: file = '', log }: PresenceDeps,
): Promise<KeptPresence> {
  const presence = createPresence({ clientsMax })
  if (file === '' || clientsMax === 0) return { ...presence, close: async () => undefined }
  await load(presence, file, log)
  const writer = createWriter(presence, file, log)
  await writer.flush()
  const timer = setInterval(() => void writer.flush(), writeEveryMs)
  timer.unref()
  return {
    ...presence,
    add(event) {
      presence.add(event)
      writer.add(event)
    },
    async close() {
      clearInterval(timer)
      await writer.flush()
    },
  }
}

async function load(presence: Presence, file: string, log: Log): Promise<void> {
  try {
    const { size, mtimeMs } = await stat(file)
    if (size > fileBytesMax) throw new Error(`it has ${size} bytes`)
    for (const line of new Set((await readFile(file, 'utf8')).split('\n'))) {
      const event = parse(line)
      if (event !== null) presence.add(event)
    }
    // The file is touched as long as the server runs.
    for (const events of presence.byClient()) {
      const last = events.at(-1)
      if (last?.event !== 'connected') continue
      const time = Math.max(last.time, Math.round(mtimeMs))
      presence.add({ ...last, time, event: 'disconnected', reason: 'the server went down' })
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn({ err: error, file }, 'who came and went before the start cannot be read')
  }
}

/** `null` for a line that broke off. */
function parse(line: string): PresenceEvent | null {
  try {
    const event: unknown = JSON.parse(line)
    return Value.Check(eventSchema, event) ? event : null
  } catch {
    return null
  }
}

function createWriter(presence: Presence, file: string, log: Log) {
  let waiting: string[] = []
  let isWhole = false
  let grown = 0
  let isFailing = false
  let touchedAt = 0
  let queue = Promise.resolve()
  const write = async (): Promise<void> => {
    if (!isWhole || grown > growthBytes) {
      waiting = []
      grown = 0
      await rewrite(presence, file)
      isWhole = true
      return
    }
    const text = waiting.join('')
    waiting = []
    grown += text.length
    const now = new Date()
    if (text === '' && now.getTime() - touchedAt < touchEveryMs) return
    touchedAt = now.getTime()
    if (text === '') await utimes(file, now, now)
    else await appendFile(file, text)
  }
  return {
    add(event: PresenceEvent): void {
      waiting.push(`${JSON.stringify(event)}\n`)
      if (waiting.length <= waitingMax) return
      waiting = []
      isWhole = false
    },
    flush(): Promise<void> {
      queue = queue.then(async () => {
        try {
          await write()
          isFailing = false
        } catch (error) {
          isWhole = false
          if (!isFailing) log.warn({ err: error, file }, 'who comes and goes is not written down')
          isFailing = true
        }
      })
      return queue
    },
  }
}

/** What comes meanwhile may be in the table already and is appended once more; such lines are read once. */
async function rewrite(presence: Presence, file: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    for (const events of presence.byClient())
      await handle.write(events.map((one) => `${JSON.stringify(one)}\n`).join(''))
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
