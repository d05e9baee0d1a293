// $SYS on Aedes: what is counted there, and how the topics go out. They pass by no hook, so nothing of them is captured.

import type { Config } from '../../config/schema.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { AedesBroker } from '../client.ts'
import { type CountSessions, createHoldings } from './holdings.ts'
import { startSys } from './sys.ts'
import type { Traffic } from './traffic.ts'

export interface BrokerSysDependencies {
  aedes: AedesBroker
  traffic: Traffic
  metrics: Metrics
  log: Log
}

/** Sessions of a persistence that lasts no longer than the process: none is kept for an absent client. */
const countNothing: CountSessions = () => ({
  detached: { sessions: 0, subscriptions: 0, shared: 0 },
  retained: { count: 0, bytes: 0 },
  queued: { count: 0, bytes: 0 },
})

export function startBrokerSys(
  config: Config['mqtt'],
  { aedes, traffic, metrics, log }: BrokerSysDependencies,
): { stop(): void } {
  aedes.on('client', () => {
    traffic.connections++
    traffic.clientsMax = Math.max(traffic.clientsMax, aedes.connectedClients)
  })
  ;(aedes as unknown as NodeJS.EventEmitter).on('sessionExpired', () => {
    traffic.expired++
  })
  const { persistence } = aedes
  const countSessions = persistence.countSessions?.bind(persistence) ?? countNothing
  return startSys(config, {
    traffic,
    holdings: createHoldings(aedes, { metrics, countSessions }),
    publish: (topic, payload) =>
      aedes.publish(
        { cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, retain: true },
        (error) => {
          if (error) log.warn({ err: error, topic }, 'a topic of $SYS could not be published')
        },
      ),
    onError: (error) => log.error({ err: error }, 'the counters of $SYS could not be read'),
  })
}
