// Logins of browsers, each known by a random secret in a cookie. They last over a restart: a file holds hashes of the secrets,
// whose login it was, and a proof that fits only while its password is the same; nothing in it lets anybody in.

import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { writePasswordFile } from '../auth/edit.ts'
import type { KeptLogins, Principal } from '../auth/principal.ts'
import type { Log } from '../ops/log.ts'

const recordSchema = Type.Object(
  {
    /** SHA-256 of the secret in hexadecimal: it has 256 random bits, so nothing slower is needed. */
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    kind: Type.Union([Type.Literal('user'), Type.Literal('token')]),
    name: Type.String(),
    proof: Type.String(),
    /** Milliseconds since 1970. */
    createdAt: Type.Integer(),
    seenAt: Type.Integer(),
  },
  { additionalProperties: false },
)

type SessionRecord = Static<typeof recordSchema>
type BrowserSession = SessionRecord & { principal: Principal | null }

export interface BrowserSessions {
  /** A session for somebody let in with a password or a token; `null` for others. The secret is nowhere kept. */
  begin(principal: Principal): Promise<{ secret: string; expiresAt: number } | null>
  /** Whose session it is, or `null` when there is none, its time is over or its credentials no longer hold. */
  find(secret: string): { principal: Principal; expiresAt: number } | null
  end(secret: string): Promise<void>
  /** Called with whom a session that ended had let in. */
  onEnd(listener: (principal: Principal) => void): void
  close(): Promise<void>
}

export interface SessionLimits {
  lifetimeMs: number
  /** Ends a session nobody used for so long. */
  idleMs: number
  sessionsMax: number
}

export interface SessionDeps {
  auth: KeptLogins
  tokens: KeptLogins
  log: Log
  now?: () => number
}

/** Of one login; the least recently used goes, so that nobody can push all others out. */
const sessionsOfOneMax = 100
/** How old the times of last use in the file may be. */
const writeEveryMs = 60_000
const fileBytesMax = 64 * 2 ** 20

/** `file` empty: sessions end with the process. A file that cannot be read is begun anew: people log in again. */
export async function openBrowserSessions(
  file: string,
  limits: SessionLimits,
  { auth, tokens, log, now = Date.now }: SessionDeps,
): Promise<BrowserSessions> {
  const sessions = new Map((await readRecords(file, log)).map((one) => [one.sha256, one]))
  const write = createWriter(file, sessions, log)
  const listeners: ((principal: Principal) => void)[] = []
  let isStale = false
  const drop = ({ sha256, principal }: BrowserSession): void => {
    sessions.delete(sha256)
    isStale = true
    if (principal !== null) for (const listener of listeners) listener(principal)
  }
  const timer = setInterval(() => {
    for (const one of sessions.values()) if (isOver(one, limits, now())) drop(one)
    if (isStale) void write()
    isStale = false
  }, writeEveryMs)
  timer.unref()
  const roomOf = (kind: string): KeptLogins => (kind === 'token' ? tokens : auth)
  return {
    async begin(principal) {
      const { kind, name } = principal
      const secret = randomBytes(32).toString('base64url')
      const proof = roomOf(kind).proofOf(principal, Buffer.from(secret))
      if (kind === 'anonymous' || name === null || proof === null) return null
      for (const one of surplus(sessions, limits, { kind, name })) drop(one)
      const time = now()
      const sha256 = hashOf(secret)
      sessions.set(sha256, { sha256, kind, name, proof, createdAt: time, seenAt: time, principal })
      await write()
      return { secret, expiresAt: time + limits.lifetimeMs }
    },
    find(secret) {
      const session = sessions.get(hashOf(secret))
      if (session === undefined) return null
      const { kind, name, proof } = session
      const room = roomOf(kind)
      session.principal ??= room.resume(name, Buffer.from(secret), proof)
      const { principal } = session
      if (principal === null || isOver(session, limits, now()) || !room.stillHolds(principal)) {
        drop(session)
        return null
      }
      session.seenAt = now()
      isStale = true
      return { principal, expiresAt: session.createdAt + limits.lifetimeMs }
    },
    async end(secret) {
      const session = sessions.get(hashOf(secret))
      if (session === undefined) return
      drop(session)
      await write()
    },
    onEnd: (listener) => void listeners.push(listener),
    async close() {
      clearInterval(timer)
      await write()
    },
  }
}

function isOver(
  { createdAt, seenAt }: SessionRecord,
  { lifetimeMs, idleMs }: SessionLimits,
  now: number,
): boolean {
  return now >= createdAt + lifetimeMs || now >= seenAt + idleMs
}

/** Which sessions must go so that one more of this login has room. */
function surplus(
  sessions: ReadonlyMap<string, BrowserSession>,
  { sessionsMax }: SessionLimits,
  { kind, name }: { kind: string; name: string },
): BrowserSession[] {
  const all = [...sessions.values()].sort((a, b) => a.seenAt - b.seenAt)
  const own = all.filter((one) => one.kind === kind && one.name === name)
  if (own.length >= sessionsOfOneMax) return own.slice(0, 1)
  return all.slice(0, Math.max(0, all.length - sessionsMax + 1))
}

/** Writes what is in the table; calls that come while one is under way are answered by the next. */
function createWriter(
  file: string,
  sessions: ReadonlyMap<string, BrowserSession>,
  log: Log,
): () => Promise<void> {
  let queue = Promise.resolve()
  let waiting: Promise<void> | null = null
  const writeNow = async (): Promise<void> => {
    waiting = null
    const lines = [...sessions.values()].map(
      ({ principal: _principal, ...record }) => `${JSON.stringify(record)}\n`,
    )
    try {
      await writePasswordFile(file, lines.join(''))
    } catch (error) {
      log.warn({ err: error }, 'browser sessions are not written down; after a restart people log in again')
    }
  }
  return () => {
    if (file === '') return queue
    waiting ??= queue = queue.then(writeNow)
    return waiting
  }
}

async function readRecords(file: string, log: Log): Promise<BrowserSession[]> {
  if (file === '') return []
  try {
    const bytes = await readFile(file)
    if (bytes.length > fileBytesMax) throw new Error(`it has ${bytes.length} bytes`)
    const lines = bytes.toString().split('\n')
    return lines.filter((line) => line !== '').map((line) => ({ ...parseRecord(line), principal: null }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn({ err: error, file }, 'browser sessions cannot be read; people log in again')
    return []
  }
}

function parseRecord(line: string): SessionRecord {
  const record: unknown = JSON.parse(line)
  if (!Value.Check(recordSchema, record)) throw new Error('a line is no session')
  return record
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
