// The one place where floors meet: opens auth, store, sessions, broker and HTTP in this order,
// and stops them in mirror order. Nothing is left running when a start fails.

import { lockDemoAccounts } from './auth/demo.ts'
import { openAuth } from './auth/open.ts'
import type { Authenticator } from './auth/principal.ts'
import { startBroker } from './broker/broker.ts'
import { openSessions } from './broker/sessions/sessions.ts'
import { listenHost } from './config/host.ts'
import type { Config } from './config/schema.ts'
import { startHttp } from './http/server.ts'
import { createCapture } from './ingest/capture.ts'
import { decodeFields } from './ingest/decode/decode.ts'
import { createLifecycle, type Lifecycle } from './ops/lifecycle.ts'
import type { Log } from './ops/log.ts'
import { createMetrics } from './ops/metrics.ts'
import { createQuery } from './query/query.ts'
import { openDataDirectory } from './store/directory.ts'
import { openStore } from './store/open.ts'
import type { StoreStatus } from './store/store.ts'

/** A running server. */
export interface App {
  mqtt: { host: string; port: number }
  http: { host: string; port: number }
  /** Absolute path of the data directory. */
  dataPath: string
  auth: Authenticator
  readonly status: StoreStatus
  /** Reads the password and ACL files again; a broken one keeps the old one and throws. */
  reload(): Promise<void>
  /** Stops accepting, acknowledges what is stored, closes everything. */
  stop(): Promise<void>
}

export interface AppDependencies {
  log: Log
  /** How this program is called, for the commands in warnings and errors. */
  program: string
}

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
  const accounts = await openAuth(config.auth, { log, program, concurrency: config.limits.auth_concurrency })
  lifecycle.add('auth', () => accounts.close())
  const demo = accounts.demoAccounts.length > 0
  const auth = demo ? accounts : lockDemoAccounts(accounts, { log })

  const directory = await openDataDirectory(config.store.path)
  const store = await openStore({ ...config.store, path: directory.readings }, { log })
  lifecycle.add('store', () => store.close())

  const sessions = await openSessions({ path: directory.sessions, limits: config.mqtt, metrics, log })
  lifecycle.add('sessions', () => sessions.close())

  const capture = createCapture({ store, metrics })
  const broker = await startBroker(config.mqtt, {
    host: listenHost(config.mqtt.host, demo),
    auth,
    capture,
    store,
    sessions: sessions.persistence,
    metrics,
    log,
  })
  lifecycle.add('broker', () => broker.close())
  auth.onChange(() => broker.dropStale())

  let ready = true
  const http = await startHttp(config.http, {
    host: listenHost(config.http.host, demo),
    auth,
    query: createQuery({ store, fieldsOf: decodeFields, limits: config.limits }),
    publish: broker.publish,
    store,
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

  return {
    mqtt: { host: broker.address, port: broker.port },
    http: { host: http.address, port: http.port },
    dataPath: directory.root,
    auth,
    get status() {
      return store.status
    },
    reload: () => auth.reload(),
    stop: () => lifecycle.stop(),
  }
}
