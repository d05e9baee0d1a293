// What the routes are given: the floors below, and who asks.

import type { Accounts } from '../auth/principal.ts'
import type { TokenFile } from '../auth/tokenFile.ts'
import type { Users } from '../auth/users.ts'
import type { Query } from '../query/query.ts'
import type { createImport } from '../ingest/importRows.ts'
import type { Publish } from '../ingest/capture.ts'
import type { Jobs } from '../ingest/rules/jobs.ts'
import type { Rules } from '../ingest/rules/open.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { ReadingStore } from '../store/store.ts'
import type { Login } from './login.ts'

export interface HttpLimits {
  page_rows: number
  publish_batch: number
  exports: number
  /** Bytes of one row of an import. */
  row_bytes: number
  stream_readers: number
  stream_buffer_bytes: number
  stream_heartbeat_ms: number
}

/** What the routes need of the broker, which is of the same floor: app.ts brings them together. */
export interface BrokerRoom {
  clients(): {
    id: string
    isConnected: boolean
    user: string | null
    address: string | null
    protocolVersion: number | null
    connectedAt: number | null
    subscriptions: { topic: string; qos: number }[]
    queued: number
    flow: { messagesIn: number; bytesIn: number; messagesOut: number; bytesOut: number }
    lastSeen: number | null
  }[]
  /** Connects and disconnects, newest first. */
  presence(query: { clientId?: string; from: number; to: number; limit: number }): {
    time: number
    clientId: string
    event: 'connected' | 'disconnected'
    reason: string | null
    user: string | null
    address: string
    protocolVersion: number
  }[]
  disconnect(id: string): boolean
  retained(filter: string): { topic: string; payload: Uint8Array; qos: number; clientId: string }[]
}

/** Managing who gets in: for keepers of the server. */
export interface AccessRoom {
  /** `null`: no password file is configured. */
  users: Users | null
  tokens: TokenFile | null
  demoAccounts: () => readonly string[]
  explain: Accounts['explain']
}

export interface RouteContext {
  login: Login
  access: AccessRoom
  /** Users who may manage the server. */
  admins: readonly string[]
  /** Where MQTT clients connect. */
  listeners: readonly { protocol: string; tls: boolean; port: number }[]
  query: Query
  publish: Publish
  store: Pick<ReadingStore, 'status'>
  /** What imports are stored by: not told to subscribers, not cleaned a second time. */
  importing: Parameters<typeof createImport>[0]
  /** For the routes about rules, which look at stored messages as they came. */
  readings: ReadingStore
  /** The server's data as one stream; `null`: nothing of it lies on a disk. */
  backup: ((signal: AbortSignal) => AsyncIterable<Buffer>) | null
  /** What goes away by itself. */
  retention: {
    /** In their order; `rule` is the cleaning rule that says so. */
    rules: () => readonly { filter: string; max_age_s: number; max_bytes: number; rule: string | null }[]
    bytesMax: number
  }
  rules: Rules
  jobs: Jobs
  broker: BrokerRoom
  metrics: Metrics
  log: Log
  limits: HttpLimits
  isReady: () => boolean
}
