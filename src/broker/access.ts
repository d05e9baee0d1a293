// Who may connect, subscribe and be served: Aedes' hooks on the authenticator's principals.
// A subscription is granted whatever its filter; what the subscriber may not read is left out at delivery, as Mosquitto does.

import type { Principal } from '../auth/principal.ts'
import { filterFault } from '../domain/topic.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { BrokerClient, PublishPacket, SubscriptionRequest } from './client.ts'
import { lowered } from './guard/qos.ts'
import type { Traffic } from './sys/traffic.ts'
import { dismiss } from './wire/answers.ts'

export interface AccessDependencies {
  metrics: Metrics
  log: Log
  queuedBytesMax: number
  traffic: Traffic
  /** Called for each login that was let in or refused. */
  onLogin: (client: BrokerClient, isIn: boolean) => void
  /** Called before a session begins anew: what an earlier one left half done is forgotten. */
  onCleanStart: (client: BrokerClient, done: (error: Error | null) => void) => void
  /** Called before an earlier session may go on. */
  onResume: (client: BrokerClient) => void
}

type Authenticated = (error: (Error & { returnCode?: number }) | null, ok: boolean | null) => void

export interface Access {
  authenticate: (
    client: BrokerClient,
    user: string | undefined,
    password: Buffer | undefined,
    done: Authenticated,
  ) => void
  authorizeSubscribe: (client: BrokerClient, subscription: SubscriptionRequest, done: Granted) => void
  authorizeForward: (client: BrokerClient, packet: PublishPacket) => PublishPacket | null
}

type Granted = (error: Error | null, granted: SubscriptionRequest | null) => void

export function createAccess(dependencies: AccessDependencies): Access {
  return {
    authenticate: (client, user, password, done) => void login(dependencies, client, user, password, done),
    authorizeSubscribe: (_client, subscription, done) => {
      done(null, filterFault(subscription.topic) === null ? subscription : null)
    },
    authorizeForward: (client, packet) => (mayForward(dependencies, client, packet) ? packet : null),
  }
}

async function login(
  dependencies: AccessDependencies,
  client: BrokerClient,
  user: string | undefined,
  password: Buffer | undefined,
  done: Authenticated,
): Promise<void> {
  try {
    const { auth, identity } = client.amber
    const principal =
      identity === null ? await auth.authenticate(user, password) : await auth.authenticateCertified(identity)
    dependencies.onLogin(client, principal !== null)
    letIn(dependencies, client, identity ?? user, principal, done)
  } catch (error) {
    dependencies.log.error({ err: error }, 'login could not be checked')
    done(refusal('server unavailable', 3), false)
  }
}

function letIn(
  { log, onCleanStart, onResume }: AccessDependencies,
  client: BrokerClient,
  user: string | undefined,
  principal: Principal | null,
  done: Authenticated,
): void {
  if (principal === null) {
    log.info({ client: client.id, address: client.amber.remoteAddress, user }, 'login refused')
    done(refusal('bad user name or password', user === undefined ? 5 : 4), false)
    return
  }
  client.amber.principal = principal
  if (client._cleanStart) {
    onCleanStart(client, (error) => admit(error, done))
    return
  }
  onResume(client)
  done(null, true)
}

function mayForward(
  { metrics, queuedBytesMax, traffic }: AccessDependencies,
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
  if (client.conn.writableLength <= queuedBytesMax) {
    traffic.publishBytesSent += packet.payload.length
    return true
  }
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
