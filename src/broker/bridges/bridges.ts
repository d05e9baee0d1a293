// Every bridge of the configuration. Sessions of bridges that are configured no longer are ended, with what they queued.

import type { Duplex } from 'node:stream'
import type { Authenticator, Principal } from '../../auth/principal.ts'
import type { BridgeConfig } from '../../config/bridge.ts'
import { AppError } from '../../domain/errors.ts'
import type { Publish } from '../../ingest/capture.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Door } from '../accept.ts'
import type { Router } from '../delivery/router.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import { Bridge, type BridgeDependencies, localClientId } from './bridge.ts'

export interface BridgesDependencies {
  accept: (stream: Duplex, door: Door) => void
  registry: SessionRegistry
  router: Router
  publish: Publish
  queuedBytesMax: number
  metrics: Metrics
  log: Log
}

export interface Bridges {
  start(): void
  stop(): Promise<void>
}

/** Throws `bad_config`. */
export function createBridges(
  configs: readonly BridgeConfig[],
  { accept, registry, router, publish, queuedBytesMax, metrics, log }: BridgesDependencies,
): Bridges {
  const names = configs.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new AppError('bad_config', `there are two bridges with the name ${twice}`)
  const door: Door = { address: '', identity: 'bridge', auth: bridgeAuthenticator, isBridge: true }
  const dependencies: BridgeDependencies = {
    accept: (stream) => accept(stream, door),
    publish,
    publishSystem: (topic, text) => {
      const payload = Buffer.from(text)
      router.route({ topic, payload, qos: 0, retain: true, properties: null, clientId: '', expiresAt: null })
    },
    filtersOf: (clientId) => [...(registry.get(clientId)?.subscriptions.keys() ?? [])],
    queuedBytesMax,
    metrics,
    log,
  }
  const bridges = configs.map((config) => new Bridge(config, dependencies))
  const ids = new Set(names.map(localClientId))
  return {
    start: () => {
      const ended = [...registry.all()].filter(({ id }) => isBridgeId(id) && !ids.has(id))
      for (const session of ended) registry.end(session)
      for (const bridge of bridges) bridge.start()
    },
    stop: async () => {
      await Promise.all(bridges.map((bridge) => bridge.stop()))
    },
  }
}

/** Client ids that no client from outside may take. */
export function isBridgeId(clientId: string): boolean {
  return clientId.startsWith('$bridge/')
}

/** A bridge carries what its configuration names; no ACL file knows it. */
const principal: Principal = {
  kind: 'user',
  name: null,
  admin: false,
  mayRead: () => true,
  mayWrite: () => true,
}

const bridgeAuthenticator: Authenticator = {
  authenticate: async () => null,
  authenticateCertified: async () => principal,
  mayPublish: () => true,
  demoAccounts: [],
  warnings: [],
  reload: async () => undefined,
  onChange: () => undefined,
  stillHolds: () => true,
  close: async () => undefined,
}
