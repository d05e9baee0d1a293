// $SYS on Aedes: what is counted there, and how the topics go out. They pass by no hook, so nothing of them is captured.

import { Counter } from 'prom-client'
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

export function startBrokerSys(
  config: Config['mqtt'],
  { aedes, traffic, metrics, log }: BrokerSysDependencies,
): { stop(): void } {
  aedes.on('client', () => {
    traffic.connections++
    traffic.clientsMax = Math.max(traffic.clientsMax, aedes.connectedClients)
  })
  new Counter({
    name: 'amber_messages_sent_total',
    help: 'Messages sent to MQTT clients.',
    registers: [metrics.registry],
    collect() {
      this.reset()
      this.inc(traffic.publishSent)
    },
  })
  const countSessions: CountSessions = (isConnected) => aedes.persistence.countSessions(isConnected)
  return startSys(config, {
    traffic,
    holdings: createHoldings(aedes, { metrics, countSessions }),
    publish: (topic, payload) =>
      aedes.publish({ cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, retain: true }, null),
    onError: (error) => log.error({ err: error }, 'the counters of $SYS could not be read'),
  })
}
