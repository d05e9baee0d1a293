// Bearer tokens: long random texts for programs, each with the topics it may read and write and a day on which it ends.
// The file holds only their hashes, a JSON object a line; a running server reads it again when it changes.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { AppError, asAppError } from '../domain/errors.ts'
import { filterFault, matches, printable } from '../domain/topic.ts'
import type { Log } from '../ops/log.ts'
import type { KeptLogins, Principal } from './principal.ts'
import { fitsProof, makeProof } from './proof.ts'
import { watchFiles } from './watch.ts'

const entrySchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    /** SHA-256 in hexadecimal: the token has 256 random bits, so nothing slower is needed. */
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    read: Type.Array(Type.String()),
    write: Type.Array(Type.String()),
    admin: Type.Boolean(),
    /** RFC 3339; `expires` is null for a token without an end. */
    created: Type.String(),
    expires: Type.Union([Type.String(), Type.Null()]),
  },
  { additionalProperties: false },
)

export type TokenEntry = Static<typeof entrySchema>

export interface Tokens extends KeptLogins {
  /** The principal of a token, or `null` when there is no such token or its time is over. */
  check(token: string): Principal | null
  /** Reads the file now. One that is broken leaves the tokens in force, and throws. */
  reload(): Promise<void>
  onChange(listener: () => void): void
  close(): void
}

const tokensMax = 10_000

/** A new token and its line for the file. The token itself is nowhere kept. */
export function createToken(entry: Omit<TokenEntry, 'sha256'>): { token: string; entry: TokenEntry } {
  const token = `amber_${randomBytes(32).toString('base64url')}`
  return { token, entry: { ...entry, sha256: sha256(token).toString('hex') } }
}

/** Throws `bad_token_file` at the first line that is wrong. */
export function parseTokenFile(text: string, path: string): TokenEntry[] {
  const entries: TokenEntry[] = []
  const names = new Set<string>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const fail = (why: string): never => {
      throw new AppError('bad_token_file', `${path}:${index + 1}: ${why}; use amber token to change the file`)
    }
    const entry = parseLine(line) ?? fail('this is no token')
    const wrong = [...entry.read, ...entry.write].find((filter) => filterFault(filter) !== null)
    if (wrong !== undefined) fail(`"${printable(wrong)}" is not a topic filter`)
    if (entry.expires !== null && Number.isNaN(Date.parse(entry.expires))) fail('expires is no time')
    if (names.has(entry.name)) fail(`the name ${printable(entry.name)} is there twice`)
    if (entries.length === tokensMax) fail(`more than ${tokensMax} tokens`)
    names.add(entry.name)
    entries.push(entry)
  }
  return entries
}

export function formatTokenFile(entries: readonly TokenEntry[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
}

/** Reads the file; one that is not there holds no tokens. Throws `bad_token_file`. */
export async function openTokens(path: string, { log }: { log: Log }): Promise<Tokens> {
  let state = await readTokens(path)
  const listeners: (() => void)[] = []
  const entryOf = new WeakMap<Principal, TokenEntry>()
  const readAgain = async (): Promise<void> => {
    const next = await readTokens(path)
    if (next.text === state.text) return
    state = next
    log.info({ tokens: state.byHash.size }, 'the token file is in force as it is now')
    for (const listener of listeners) listener()
  }
  // One at a time: of two reads under way the older one could come last.
  let queue = Promise.resolve()
  const reload = (): Promise<void> => {
    const result = queue.then(readAgain)
    queue = result.catch(() => undefined)
    return result
  }
  const onChange = (): void =>
    void reload().catch((error: unknown) =>
      log.error(`${asAppError(error).message}. What was read before stays in force.`),
    )
  const watcher = path === '' ? null : watchFiles([path], { log, onChange })
  const enter = (entry: TokenEntry): Principal => {
    const principal = principalOf(entry)
    entryOf.set(principal, entry)
    return principal
  }
  return {
    check(token) {
      const hash = sha256(token)
      const entry = state.byHash.get(hash.toString('hex'))
      if (!entry || !timingSafeEqual(hash, Buffer.from(entry.sha256, 'hex')) || isOver(entry)) return null
      return enter(entry)
    },
    stillHolds(principal) {
      const entry = entryOf.get(principal)
      const now = entry && state.byHash.get(entry.sha256)
      return now !== undefined && !isOver(now) && JSON.stringify(now) === JSON.stringify(entry)
    },
    proofOf(principal, key) {
      const entry = entryOf.get(principal)
      return entry === undefined ? null : makeProof(key, JSON.stringify(entry))
    },
    resume(name, key, proof) {
      const entry = [...state.byHash.values()].find((one) => one.name === name)
      if (entry === undefined || isOver(entry)) return null
      return fitsProof(key, JSON.stringify(entry), proof) ? enter(entry) : null
    },
    reload,
    onChange: (listener) => void listeners.push(listener),
    close: () => watcher?.close(),
  }
}

function principalOf(entry: TokenEntry): Principal {
  const may = (filters: readonly string[]) => (topic: string) =>
    !isOver(entry) && filters.some((filter) => matches(filter, topic))
  return {
    kind: 'token',
    name: entry.name,
    admin: entry.admin,
    mayRead: may(entry.read),
    mayWrite: may(entry.write),
  }
}

function isOver({ expires }: TokenEntry): boolean {
  return expires !== null && Date.parse(expires) <= Date.now()
}

async function readTokens(path: string): Promise<{ text: string; byHash: Map<string, TokenEntry> }> {
  const text = path === '' ? '' : await readTokenFile(path)
  return { text, byHash: new Map(parseTokenFile(text, path).map((entry) => [entry.sha256, entry])) }
}

/** Empty when there is no such file. Throws `bad_token_file`. */
export async function readTokenFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new AppError('bad_token_file', `cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
}

function parseLine(line: string): TokenEntry | null {
  try {
    const entry: unknown = JSON.parse(line)
    return Value.Check(entrySchema, entry) ? entry : null
  } catch {
    return null
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
