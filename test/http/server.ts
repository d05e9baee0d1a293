// A real HTTP server on the memory store, with two users: `admin`, and `guest` who may only touch `open/…`.

import type { Authenticator, KeptLogins, Principal } from '../../src/auth/principal.ts'
import { openTokens, type Tokens } from '../../src/auth/tokens.ts'
import type { Config } from '../../src/config/schema.ts'
import type { RouteContext } from '../../src/http/context.ts'
import type { LoginGuard } from '../../src/http/credentials.ts'
import type { Fields } from '../../src/domain/reading.ts'
import { startHttp } from '../../src/http/server.ts'
import { createCapture, type Publish } from '../../src/ingest/capture.ts'
import { createFeed } from '../../src/ingest/feed.ts'
import { openJobs } from '../../src/ingest/rules/jobs.ts'
import { openRules, type RulesConfig } from '../../src/ingest/rules/open.ts'
import { createLog, type Log } from '../../src/ops/log.ts'
import { createMetrics } from '../../src/ops/metrics.ts'
import { createQuery } from '../../src/query/query.ts'
import { encodeBackup } from '../../src/store/backup.ts'
import type { ReadingStore } from '../../src/store/store.ts'
import { createMemoryStore } from '../../src/store/memory.ts'

function principal(name: string): Principal {
  const may = (topic: string): boolean => name === 'admin' || topic.startsWith('open/')
  return { kind: 'user', name, admin: name === 'admin', mayRead: may, mayWrite: may }
}

const standIn: Authenticator & KeptLogins = {
  authenticateCertified: async () => null,
  mayPublish: () => true,
  authenticate: async (user, password) =>
    (user === 'admin' || user === 'guest') && String(Buffer.from(password ?? [])) === 'secret'
      ? principal(user)
      : null,
  demoAccounts: [],
  warnings: [],
  reload: async () => undefined,
  onChange: () => undefined,
  stillHolds: () => true,
  proofOf: () => null,
  resume: () => null,
  close: async () => undefined,
}

const noVerdict = { isAllowed: true, line: null, reason: 'there is no ACL file' }

export interface TestOptions {
  limits?: Partial<
    Record<
      | 'page_bytes'
      | 'query_samples'
      | 'query_concurrency'
      | 'query_time_ms'
      | 'stream_readers'
      | 'stream_heartbeat_ms',
      number
    >
  >
  http?: Partial<Config['http']>
  /** Of `min_seq`. */
  waitersMax?: number
  tokenFile?: string
  /** In place of the two users. */
  auth?: Authenticator & KeptLogins
  guard?: LoginGuard
  access?: (tokens: Tokens) => Partial<RouteContext['access']>
  loginsFile?: string
  retention?: RouteContext['retention']['rules']
  broker?: RouteContext['broker']
  log?: Log
  /** In place of the publish that stores. */
  publish?: Publish
  isReady?: () => boolean
  rules?: RulesConfig
  fieldsOf?: (topic: string, payload: Uint8Array) => Fields | null
  /** What queries read from. */
  reads?: (store: ReadingStore) => ReadingStore
}

export async function startTestServer(options: TestOptions = {}) {
  const store = createMemoryStore()
  const metrics = createMetrics()
  const log = options.log ?? createLog({ level: 'silent', format: 'json' })
  const tokens = await openTokens(options.tokenFile ?? '', { log })
  const feed = createFeed({ lastSeq: 0, waitersMax: options.waitersMax ?? 100 })
  const rules = await openRules(options.rules ?? { file: '', profiles: [] }, { log })
  const capture = createCapture({ store, metrics, feed, clean: rules.clean })
  const limits = {
    query_time_ms: 5000,
    query_concurrency: 4,
    query_rows: 1000,
    query_samples: 100_000,
    aggregate_buckets: 500,
    page_rows: 1000,
    page_bytes: 1_000_000,
    publish_batch: 10,
    exports: 2,
    stream_readers: 20,
    stream_buffer_bytes: 100_000,
    stream_heartbeat_ms: 100,
    ...options.limits,
  }
  const put = (topic: string, payload: Uint8Array | string, time?: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const now = Date.now()
      const rest = { source: 'http', clientId: '', user: null, qos: 0, retain: false, dup: false } as const
      const reading = { topic, time: time ?? now, receivedAt: now, properties: null, fields: null, ...rest }
      capture({ ...reading, payload: Buffer.from(payload) }, { awaited: true }, (error, seq) =>
        error ? reject(error) : resolve(seq),
      )
    })
  const http = await startHttp(
    {
      host: '',
      port: 0,
      cert_file: '',
      key_file: '',
      cors: [],
      max_body_size: 10_000,
      requests_per_minute: 0,
      ticket_lifetime_s: 300,
      session_lifetime_s: 3600,
      session_idle_s: 600,
      max_sessions: 1000,
      ...options.http,
    },
    {
      host: '127.0.0.1',
      auth: options.auth ?? standIn,
      tokens,
      guard: options.guard ?? { isBanned: () => false, onLogin: () => undefined },
      access: {
        users: null,
        tokens: null,
        demoAccounts: () => [],
        explain: () => ({
          isKnown: false,
          read: noVerdict,
          write: noVerdict,
          lineText: () => ({ file: '', text: '' }),
        }),
        ...options.access?.(tokens),
      },
      admins: ['admin'],
      listeners: [{ protocol: 'mqtt', tls: false, port: 1883 }],
      loginsFile: options.loginsFile ?? '',
      query: createQuery({
        metrics,
        store: options.reads?.(store) ?? store,
        live: feed,
        fieldsOf: options.fieldsOf ?? ((_topic, payload) => ({ bytes: payload.length })),
        limits,
      }),
      publish: options.publish ?? (({ topic, payload, time }) => put(topic, payload, time)),
      store,
      broker: options.broker ?? {
        clients: () => [],
        presence: () => [],
        disconnect: () => false,
        retained: () => [],
      },
      importing: { store, capture },
      readings: store,
      backup: () => encodeBackup({ version: '', created_at: '', disk_bytes: 0 }, []),
      retention: { rules: options.retention ?? (() => []), bytesMax: 0 },
      rules,
      jobs: await openJobs({ store, rules, log }, { file: '' }),
      metrics,
      log,
      limits,
      isReady: options.isReady ?? (() => true),
    },
  )
  const ask = (path: string, init: RequestInit & { user?: string | null } = {}): Promise<Response> => {
    const { user = 'admin', ...rest } = init
    const login = user === null ? {} : { authorization: `Basic ${btoa(`${user}:secret`)}` }
    return fetch(`http://127.0.0.1:${http.port}${path}`, {
      ...rest,
      headers: { ...login, ...(rest.headers as Record<string, string> | undefined) },
    })
  }
  return { ask, put, store, metrics, port: http.port, close: () => (tokens.close(), http.close()) }
}
