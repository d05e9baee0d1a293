// The one place where floors meet: opens auth, store, sessions, broker and HTTP in this order,
// and stops them in mirror order. Nothing is left running when a start fails.

import { lockDemoAccounts } from './auth/demo.ts'
import { type ListenerAuths, openListenerAuths } from './auth/listenerAuth.ts'
import type { Authenticator } from './auth/principal.ts'
import { createUsers } from './auth/users.ts'
import { type Broker, startBroker } from './broker/broker.ts'
import type { ListenerInfo } from './broker/listeners/listeners.ts'
import { createTokenFile } from './auth/tokenFile.ts'
import { openTokens, type Tokens } from './auth/tokens.ts'
import { openSessions, type Sessions } from './broker/sessions/sessions.ts'
import { listenHost } from './config/host.ts'
import type { RetentionRule } from './config/retention.ts'
import type { Config } from './config/schema.ts'
import { asAppError } from './domain/errors.ts'
import type { AccessRoom } from './http/context.ts'
import { type HttpServer, startHttp } from './http/server.ts'
import { type Capture, createCapture } from './ingest/capture.ts'
import { decodeFields } from './ingest/decode/decode.ts'
import { flatText } from './ingest/decode/flat.ts'
import { createDescriptions, type Descriptions } from './ingest/describe/descriptions.ts'
import { createFeed, type Feed } from './ingest/feed.ts'
import { openJobs } from './ingest/rules/jobs.ts'
import { openRules, type Rules } from './ingest/rules/open.ts'
import { createLifecycle, type Lifecycle } from './ops/lifecycle.ts'
import type { Log } from './ops/log.ts'
import { createMetrics, type Metrics } from './ops/metrics.ts'
import { openFilesMax, type Room, roomOf } from './ops/openFiles.ts'
import { measureServer, measureSessions } from './ops/serverMetrics.ts'
import { version } from './ops/version.ts'
import { createQuery, type Query } from './query/query.ts'
import { type DataDirectory, openDataDirectory } from './store/directory.ts'
import { encodeBackup } from './store/backup.ts'
import { openStore } from './store/open.ts'
import type { ReadingStore, StoreStatus } from './store/store.ts'

/** A running server. */
export interface App {
  /** The first listener. */
  mqtt: { host: string; port: number }
  listeners: readonly ListenerInfo[]
  http: { host: string; port: number; isSecure: boolean }
  /** Absolute path of the data directory. */
  dataPath: string
  auth: Authenticator
  /** One line each about what is weak in password files, those of listeners as well. */
  readonly warnings: readonly string[]
  readonly status: StoreStatus
  /** Reads the password and ACL files and the certificates again; a broken one keeps the old one and throws. */
  reload(): Promise<void>
  /** Takes over the limits of another configuration that need no new start. */
  relimit(config: Config): void
  /** Stops accepting, acknowledges what is stored, closes everything. */
  stop(): Promise<void>
}

export interface AppDependencies {
  log: Log
  /** How this program is called, for the commands in warnings and errors. */
  program: string
}

/** Who has room for no more is told so; others may ask for it with `log.level: debug`. */
const fewConnections = 1000

/** Starts everything `config` asks for. Throws an `AppError` that says what is wrong and what to do. */
export async function startApp(config: Config, deps: AppDependencies): Promise<App> {
  const { log } = deps
  const lifecycle = createLifecycle({ log })
  try {
    return await start(config, deps, lifecycle)
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

async function start(config: Config, { log, program }: AppDependencies, lifecycle: Lifecycle): Promise<App> {
  const metrics = createMetrics()
  const { auths, tokens, demo } = await openAccess(config, { log, program }, lifecycle)
  const auth = auths.main
  const room = roomOf(openFilesMax())

  const { rules, retention } = await openCleaning(config, { log }, lifecycle)
  const { directory, store, sessions } = await openData(config, { retention, metrics, log }, lifecycle)
  const { feed, capture, descriptions } = openCapture(config, { store, rules, metrics })
  const broker = await startBroker(config.mqtt, {
    hostOf: (host) => listenHost(host, demo),
    auth,
    authOf: (listener) => auths.of(listener),
    capture,
    store,
    sessions,
    presenceFile: directory.presence,
    socketsMax: room.mqtt,
    metrics,
    log,
  })
  lifecycle.add('broker', () => broker.close())
  void restoreDescriptions(descriptions, { store, broker, log }, config)
  for (const one of auths.all) one.onChange(() => broker.dropStale())

  const jobs = await openJobs({ store, rules, log }, { file: directory.jobs })
  lifecycle.add('jobs', () => jobs.close())

  let ready = true
  const http = await startHttp(config.http, {
    host: listenHost(config.http.host, demo),
    socketsMax: room.http,
    auth,
    tokens,
    guard: broker.bans,
    access: openAccessRoom(config.auth, auths, tokens),
    admins: config.auth.admins,
    listeners: broker.listeners,
    loginsFile: directory.logins,
    query: openQuery(config, { store, feed, descriptions, metrics }),
    publish: broker.publish,
    store,
    broker: broker.view,
    importing: { store, capture: createCapture({ store, metrics, feed }) },
    readings: store,
    backup: store.status.engine === 'memory' ? null : (signal) => backupOf({ store, sessions }, signal),
    retention: { rules: retention, bytesMax: config.store.max_bytes },
    rules,
    jobs,
    metrics,
    log,
    limits: config.limits,
    isReady: () => ready && store.status.state === 'ok',
  })
  lifecycle.add('http', () => http.close())
  lifecycle.add('listeners', async () => {
    ready = false
    broker.stopAccepting()
  })

  tellRoom(room, config, log)
  return createApp({ dataPath: directory.root, auths, store, broker, http, lifecycle })
}

interface Parts {
  dataPath: string
  auths: ListenerAuths
  store: ReadingStore
  broker: Broker
  http: HttpServer
  lifecycle: Lifecycle
}

/** What has been started, as others see it. */
function createApp({ dataPath, auths, store, broker, http, lifecycle }: Parts): App {
  return {
    mqtt: { host: broker.address, port: broker.port },
    listeners: broker.listeners,
    http: { host: http.address, port: http.port, isSecure: http.isSecure },
    dataPath,
    auth: auths.main,
    get warnings() {
      return [...new Set(auths.all.flatMap((one) => one.warnings))]
    },
    get status() {
      return store.status
    },
    reload: () => reload(auths, [broker, http]),
    relimit: ({ mqtt }) => broker.relimit(mqtt),
    stop: () => lifecycle.stop(),
  }
}

/** The store needs files too: fewer connections than are configured may be all there is room for. */
function tellRoom({ mqtt, http }: Room, config: Config, log: Log): void {
  if (mqtt >= config.mqtt.max_connections) return
  log[mqtt < fewConnections ? 'warn' : 'debug'](
    `the system allows ${openFilesMax()} open files: room for ${mqtt} MQTT and ${http} HTTP connections at one time. For more, raise it: ulimit -n, LimitNOFILE of systemd, --ulimit nofile of Docker`,
  )
}

/** How long readings are kept: rules come first, which speak of their own topics, and store.retention mostly of all that is left. */
async function openCleaning(
  config: Config,
  { log }: { log: Log },
  lifecycle: Lifecycle,
): Promise<{ rules: Rules; retention: () => (RetentionRule & { rule: string | null })[] }> {
  const rules = await openRules(config.rules, { log })
  lifecycle.add('rules', async () => rules.close())
  const retention = () => [
    ...rules.current.retention.map(({ filter, maxAgeMs, rule }) => {
      return { filter, max_age_s: Math.ceil(maxAgeMs / 1000), max_bytes: 0, rule }
    }),
    ...config.store.retention.map((entry) => ({ ...entry, rule: null })),
  ]
  return { rules, retention }
}

/** What follows what was stored. */
interface Following {
  feed: Feed
  capture: Capture
  descriptions: Descriptions
}

/** The way of every publish into the store. */
function openCapture(
  { descriptions: options, limits }: Config,
  { store, rules, metrics }: { store: ReadingStore; rules: Rules; metrics: Metrics },
): Following {
  const feed = createFeed({ lastSeq: store.status.lastSeq, waitersMax: limits.min_seq_waiters })
  const descriptions = createDescriptions(options)
  const follow: Pick<Feed, 'push'> = {
    push(reading, seq) {
      feed.push(reading, seq)
      descriptions.observe(reading)
    },
  }
  return { feed, descriptions, capture: createCapture({ store, metrics, clean: rules.clean, feed: follow }) }
}

function openQuery(
  { limits }: Config,
  {
    store,
    feed,
    descriptions,
    metrics,
  }: Pick<Following, 'feed' | 'descriptions'> & { store: ReadingStore; metrics: Metrics },
): Query {
  const describe = (topic: string) => descriptions.of(topic)
  return createQuery({ store, live: feed, describe, fieldsOf: decodeFields, flatText, limits, metrics })
}

/** From the newest messages that describe, and from the retained ones where readings are kept no longer. */
async function restoreDescriptions(
  descriptions: Descriptions,
  { store, broker, log }: { store: ReadingStore; broker: Broker; log: Log },
  config: Config,
): Promise<void> {
  const { filters } = descriptions
  if (filters.length === 0) return
  try {
    const newest = await store.latest({ filters, limit: config.descriptions.fields })
    descriptions.restore([...newest, ...filters.flatMap((filter) => broker.view.retained(filter))])
  } catch (error) {
    log.warn({ err: error }, 'what devices have said of their fields could not be read')
  }
}

/** Sessions first: the readings that come meanwhile complete them, as after a kill. */
function backupOf(
  { store, sessions }: { store: ReadingStore; sessions: Sessions },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const head = { version, created_at: new Date().toISOString(), disk_bytes: store.status.diskBytes }
  return encodeBackup(head, [
    { name: 'sessions', records: sessions.records(signal) },
    { name: 'readings', records: store.records(signal) },
  ])
}

/** Everything that can be read again is, also when one file of it is broken; the first fault is thrown. */
async function reload(auths: ListenerAuths, faces: readonly { reload(): void }[]): Promise<void> {
  const results = await Promise.allSettled([
    ...auths.all.map((auth) => auth.reload()),
    ...faces.map(async (face) => face.reload()),
  ])
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw asAppError(failed.reason)
}

/** Who gets in: accounts of every listener, and tokens. `demo`: somewhere a published password works. */
async function openAccess(
  config: Config,
  { log, program }: AppDependencies,
  lifecycle: Lifecycle,
): Promise<{ auths: ListenerAuths; tokens: Tokens; demo: boolean }> {
  const auths = await openListenerAuths(
    config,
    { log, program, concurrency: config.limits.auth_concurrency },
    (accounts) => (accounts.demoAccounts.length > 0 ? accounts : lockDemoAccounts(accounts, { log })),
  )
  lifecycle.add('auth', () => auths.close())
  const demo = auths.all.some(({ demoAccounts }) => demoAccounts.length > 0)

  const tokens = await openTokens(config.auth.token_file, { log })
  lifecycle.add('tokens', async () => tokens.close())
  return { auths, tokens, demo }
}

/** Managing who gets in, by changing the files that say so. */
function openAccessRoom(
  { password_file: passwords, token_file: tokenFile }: Config['auth'],
  { main, all }: ListenerAuths,
  tokens: Tokens,
): AccessRoom {
  // A fault elsewhere in the files is in the log, and no reason to deny that the change is made.
  const reload = async (): Promise<void> => {
    await Promise.allSettled([...all.map((one) => one.reload()), tokens.reload()])
  }
  return {
    users: passwords === '' ? null : createUsers(passwords, { reload }),
    tokens: tokenFile === '' ? null : createTokenFile(tokenFile, { reload }),
    demoAccounts: () => main.demoAccounts,
    explain: (user, topic, clientId) => main.explain(user, topic, clientId),
  }
}

/** What lasts: readings and sessions. */
async function openData(
  config: Config,
  { retention, metrics, log }: { retention: () => RetentionRule[]; metrics: Metrics; log: Log },
  lifecycle: Lifecycle,
): Promise<{ directory: DataDirectory; store: ReadingStore; sessions: Sessions }> {
  const directory = await openDataDirectory(config.store.path)
  const store = await openStore(
    { ...config.store, retention, path: directory.readings },
    {
      log,
      onCommit({ readings, ms }) {
        metrics.commitReadings.observe(readings)
        metrics.commitSeconds.observe(ms / 1000)
      },
    },
  )
  lifecycle.add('store', () => store.close())
  const stopMeasuring = measureServer(metrics.registry, () => store.status)
  lifecycle.add('measures', async () => stopMeasuring())
  const sessions = await openSessions({
    path: directory.sessions,
    limits: config.mqtt,
    store,
    metrics,
    log,
  })
  measureSessions(metrics.registry, () => sessions.registry.countSessions())
  lifecycle.add('sessions', () => sessions.close())
  return { directory, store, sessions }
}
