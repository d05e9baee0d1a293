// Who may connect, subscribe and be served: Aedes' hooks on the authenticator's principals.
// A subscription is granted whatever its filter; what the subscriber may not read is left out at delivery, as Mosquitto does.

import type { Authenticator } from '../auth/principal.ts'
import { filterFault } from '../domain/topic.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { BrokerClient, PublishPacket, SubscriptionRequest } from './client.ts'
import { lowered } from './guard/qos.ts'
import { dismiss } from './wire/answers.ts'

export interface AccessDependencies {
  auth: Authenticator
  metrics: Metrics
  log: Log
  queuedBytesMax: number
  /** Called before a session begins anew: what an earlier one left half done is forgotten. */
  onCleanStart: (client: BrokerClient, done: (error: Error | null) => void) => void
  /** Called before an earlier session may go on. */
  onResume: (client: BrokerClient) => void
}

type Authenticated = (error: (Error & { returnCode?: number }) | null, ok: boolean | null) => void

export function createAccess(dependencies: AccessDependencies) {
  const { auth, log, onCleanStart, onResume } = dependencies
  return {
    authenticate(
      client: BrokerClient,
      user: string | undefined,
      password: Buffer | undefined,
      done: Authenticated,
    ) {
      auth.authenticate(user, password).then(
        (principal) => {
          if (principal === null) {
            log.info({ client: client.id, address: client.amber.remoteAddress, user }, 'login refused')
            return done(refusal('bad user name or password', user === undefined ? 5 : 4), false)
          }
          client.amber.principal = principal
          if (client._cleanStart) onCleanStart(client, (error) => admit(error, done))
          else {
            onResume(client)
            done(null, true)
          }
        },
        (error: unknown) => {
          log.error({ err: error }, 'login could not be checked')
          done(refusal('server unavailable', 3), false)
        },
      )
    },

    authorizeSubscribe(
      _client: BrokerClient,
      subscription: SubscriptionRequest,
      done: (error: Error | null, granted: SubscriptionRequest | null) => void,
    ) {
      done(null, filterFault(subscription.topic) === null ? subscription : null)
    },

    authorizeForward: (client: BrokerClient, packet: PublishPacket): PublishPacket | null =>
      mayForward(dependencies, client, packet) ? packet : null,
  }
}

export type Access = ReturnType<typeof createAccess>

function mayForward(
  { metrics, queuedBytesMax }: AccessDependencies,
  client: BrokerClient,
  packet: PublishPacket,
): boolean {
  const { amber } = client
  if (packet.topic.startsWith('$SYS/') && !packet.topic.startsWith('$SYS/broker/')) return false
  if (!amber.principal?.mayRead(packet.topic, client.id)) return false
  if (packet.brokerId && packet.brokerCounter !== undefined) {
    if (packet.brokerCounter === amber.lastDelivered) return false
    amber.lastDelivered = packet.brokerCounter
  }
  // Only what was queued for an absent client has an id here; its subscription decides the QoS too.
  if (packet.messageId !== undefined && packet.qos > 1) packet.qos = lowered(client, packet.topic, 2) || 1
  if (client.conn.writableLength <= queuedBytesMax) return true
  if (packet.qos === 0) {
    metrics.dropped.inc({ reason: 'slow_subscriber' })
    return false
  }
  metrics.dropped.inc({ reason: 'slow_subscriber_closed' })
  dismiss(client, 0x97, 'you read too slowly')
  client.conn.destroy()
  return false
}

function admit(error: Error | null, done: Authenticated): void {
  if (error === null) done(null, true)
  else done(refusal('server unavailable', 3), false)
}

function refusal(message: string, returnCode: number): Error & { returnCode: number } {
  return Object.assign(new Error(message), { returnCode })
}
