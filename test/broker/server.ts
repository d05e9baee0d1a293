// A real broker on a free port with a store in memory whose commits a test can hold back or break.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Authenticator, Principal } from '../../src/auth/principal.ts'
import { type Broker, startBroker } from '../../src/broker/broker.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import type { AppError } from '../../src/domain/errors.ts'
import type { Reading } from '../../src/domain/reading.ts'
import { openSessions, type Sessions } from '../../src/broker/sessions/sessions.ts'
import { createCapture } from '../../src/ingest/capture.ts'
import { createLog } from '../../src/ops/log.ts'
import { createMetrics, type Metrics } from '../../src/ops/metrics.ts'
import type { ReadingReader, ReadingStore } from '../../src/store/store.ts'

export interface TestStore extends ReadingStore {
  readings: Reading[]
  marks: Set<string>
  /** While set, every append and settle fails with it. */
  failure: AppError | null
  /** Appends wait here while `held`. */
  held: boolean
  releaseAll(): void
}

export interface TestServer {
  broker: Broker
  sessions: Sessions
  store: TestStore
  metrics: Metrics
  port: number
  principals: Map<string, Partial<Principal>>
  stale: Set<string>
  /** While `failure` is set, every login fails with it. */
  logins: { failure: AppError | null }
  ledger(): Promise<{ received: number; stored: number; rejected: number; deduplicated: number }>
  close(): Promise<void>
}

const defaults: Config['mqtt'] = {
  ...loadConfig({ flags: {}, env: {}, cwd: '/' }).mqtt,
  host: '127.0.0.1',
  port: 0,
  max_packet_size: 1_048_576,
  max_connections: 1000,
  connect_timeout_ms: 5000,
  sys_interval_s: 0,
}

export interface ServerOptions {
  mqtt?: Partial<Config['mqtt']>
  store?: TestStore
  /** User name → what it may do; anonymous is the empty name. */
  principals?: Record<string, Partial<Principal>>
  /** Where sessions are kept; a place of its own, removed at the end, when left out. */
  sessionsPath?: string
}

export async function startServer({
  mqtt,
  store = createTestStore(),
  principals,
  sessionsPath,
}: ServerOptions = {}): Promise<TestServer> {
  const metrics = createMetrics()
  const known = new Map(Object.entries(principals ?? { '': {} }))
  const stale = new Set<string>()
  const limits = { ...defaults, ...mqtt }
  const logins: TestServer['logins'] = { failure: null }
  const log = createLog({ level: 'silent', format: 'json' })
  const path = sessionsPath ?? mkdtempSync(join(tmpdir(), 'amber-broker-'))
  const sessions = await openSessions({ path, limits, store, metrics, log })
  const broker = await startBroker(limits, {
    hostOf: () => '127.0.0.1',
    auth: createAuth(known, stale, logins),
    capture: createCapture({ store, metrics }),
    store,
    sessions,
    metrics,
    log,
  }).catch(async (error: unknown) => {
    await sessions.close()
    throw error
  })
  const total = async (name: 'received' | 'stored' | 'rejected' | 'deduplicated'): Promise<number> =>
    (await metrics[name].get()).values.reduce((sum, { value }) => sum + value, 0)
  return {
    broker,
    sessions,
    store,
    metrics,
    port: broker.port,
    principals: known,
    stale,
    logins,
    ledger: async () => ({
      received: await total('received'),
      stored: await total('stored'),
      rejected: await total('rejected'),
      deduplicated: await total('deduplicated'),
    }),
    close: async () => {
      await broker.close()
      await sessions.close()
      if (sessionsPath === undefined) rmSync(path, { recursive: true, force: true })
    },
  }
}

function createAuth(
  known: Map<string, Partial<Principal>>,
  stale: Set<string>,
  logins: TestServer['logins'],
): Authenticator {
  const principalOf = (user: string | undefined): Principal | null => {
    const rights = known.get(user ?? '')
    if (rights === undefined) return null
    return {
      kind: user === undefined ? 'anonymous' : 'user',
      name: user ?? null,
      admin: false,
      mayRead: () => true,
      mayWrite: () => true,
      ...rights,
    }
  }
  return {
    authenticate: async (user) => {
      if (logins.failure !== null) throw logins.failure
      return principalOf(user)
    },
    authenticateCertified: async (user) => principalOf(user),
    mayPublish: (user, topic, id) => known.get(user ?? '')?.mayWrite?.(topic, id) ?? known.has(user ?? ''),
    demoAccounts: [],
    warnings: [],
    reload: async () => undefined,
    onChange: () => undefined,
    stillHolds: ({ name }) => !stale.has(name ?? ''),
    close: async () => undefined,
  }
}

export function createTestStore(): TestStore {
  const waiting: (() => void)[] = []
  const store: Omit<TestStore, Exclude<keyof ReadingReader, 'since'> | 'remove' | 'remake' | 'records'> = {
    readings: [],
    marks: new Set(),
    failure: null,
    held: false,
    releaseAll() {
      store.held = false
      for (const commit of waiting.splice(0)) commit()
    },
    append(reading, { receipt }, done) {
      const { failure } = store
      if (failure !== null) return done(failure, 0)
      const kept = { ...reading, payload: Buffer.from(reading.payload), seq: 0 }
      const commit = (): void => {
        store.readings.push(kept)
        kept.seq = store.readings.length
        if (receipt !== undefined) store.marks.add(receipt)
        done(null, kept.seq)
      }
      if (store.held) waiting.push(commit)
      else setImmediate(commit)
    },
    receipts: {
      has: (mark) => store.marks.has(mark),
      list: (prefix) => [...store.marks].filter((mark) => mark.startsWith(prefix)),
      settle: (mark, done) => {
        if (store.failure !== null) return done(store.failure)
        setImmediate(() => {
          store.marks.delete(mark)
          done(null)
        })
      },
    },
    get status() {
      const lastSeq = store.readings.at(-1)?.seq ?? 0
      return {
        engine: 'test',
        state: 'ok' as const,
        readings: 0,
        topics: 0,
        lastSeq,
        diskBytes: 0,
        pending: 0,
        hotReadings: 0,
        hotBytes: 0,
        blocks: 0,
        damaged: 0,
        freeBytes: null,
        daysUntilFull: null,
      }
    },
    async *since(seq) {
      yield store.readings.filter((reading) => reading.seq > seq)
    },
    close: async () => undefined,
  }
  return store as TestStore
}
