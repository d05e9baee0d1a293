// Who may connect: the authenticator's answer in MQTT's words. What a client may read and write is asked of its principal
// where messages pass: capture/ and delivery/.

import type { Principal } from '../auth/principal.ts'
import type { Config } from '../config/schema.ts'
import { AppError } from '../domain/errors.ts'
import type { Log } from '../ops/log.ts'
import { isBridgeId } from './bridges/bridges.ts'
import type { BrokerClient } from './client.ts'
import { sendRefusal } from './connection/connack.ts'

export interface AccessDependencies {
  log: Log
  limits: Config['mqtt']
  /** Called for each login that was let in or refused. */
  onLogin: (client: BrokerClient, isIn: boolean) => void
  /** Called before a session begins anew: what an earlier one left half done is forgotten. */
  onCleanStart: (client: BrokerClient, done: (error: Error | null) => void) => void
  /** Called before an earlier session may go on. */
  onResume: (client: BrokerClient) => void
}

export type Authenticated = (error: Error | null, ok: boolean | null) => void

export type Authenticate = (
  client: BrokerClient,
  user: string | undefined,
  password: Buffer | undefined,
  done: Authenticated,
) => void

/** Aedes' hook `authenticate`. */
export function createAuthenticate(dependencies: AccessDependencies): Authenticate {
  return (client, user, password, done) => void login(dependencies, client, user, password, done)
}

const codes = {
  serverUnavailable: 0x88,
  badUserOrPassword: 0x86,
  notAuthorized: 0x87,
  identifierRejected: 0x85,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  packetTooLarge: 0x95,
  connectionRateExceeded: 0x9f,
} as const

async function login(
  { log, limits, onLogin, onCleanStart, onResume }: AccessDependencies,
  client: BrokerClient,
  user: string | undefined,
  password: Buffer | undefined,
  done: Authenticated,
): Promise<void> {
  const refuse = (reasonCode: number, reason: string): void => {
    client.amber.refused = true
    sendRefusal(client, reasonCode, reason)
    // Aedes writes a CONNACK of its own and closes.
    client.amber.outlet.muted = true
    done(new Error(reason), false)
  }
  const { auth, identity, isIdAssigned, isBridge, mayComeWithoutId } = client.amber
  if (isBridgeId(client.id) && !isBridge)
    return refuse(codes.identifierRejected, 'bridges have such client ids')
  if (isIdAssigned && !(mayComeWithoutId ?? limits.allow_zero_length_clientid)) {
    return refuse(codes.identifierRejected, 'a client id is needed')
  }
  // MQTT 5 is told which id it was given [MQTT-3.2.2-16].
  if (isIdAssigned) client._assignedClientId = client.id
  const will = client.amber.connect?.will
  if ((will?.qos ?? 0) > limits.max_qos) {
    return refuse(codes.qosNotSupported, `a will with QoS above ${limits.max_qos} [MQTT-3.2.2-12]`)
  }
  if (will?.retain === true && !limits.retain_available) {
    return refuse(codes.retainNotSupported, 'a retained will [MQTT-3.2.2-13]')
  }
  const willBytes = will?.payload?.length ?? 0
  if (limits.max_payload_size > 0 && willBytes > limits.max_payload_size) {
    const most = `${limits.max_payload_size} are allowed (mqtt.max_payload_size)`
    return refuse(codes.packetTooLarge, `a will with a payload of ${willBytes} bytes; ${most}`)
  }
  let principal: Principal | null
  try {
    principal =
      identity === null ? await auth.authenticate(user, password) : await auth.authenticateCertified(identity)
  } catch (error) {
    // Of the codes a CONNACK may have, 0x9F is the one for "not now, too many" [MQTT-3.2.2-8].
    if (error instanceof AppError && error.code === 'rate_limited') {
      return refuse(codes.connectionRateExceeded, error.message)
    }
    log.error({ err: error }, 'login could not be checked')
    return refuse(codes.serverUnavailable, 'the login could not be checked')
  }
  onLogin(client, principal !== null)
  if (client.closed) return
  if (principal === null) {
    log.info(
      { client: client.id, address: client.amber.remoteAddress, user: identity ?? user },
      'login refused',
    )
    if (user === undefined && identity === null) return refuse(codes.notAuthorized, 'a user name is needed')
    return refuse(codes.badUserOrPassword, 'bad user name or password')
  }
  client.amber.principal = principal
  if (!client.amber.isBridge) {
    client.amber.publisher = { user: principal.name, listener: client.amber.listener }
  }
  if (!grantKeepAlive(client, limits)) {
    return refuse(codes.identifierRejected, `keep alive is limited to ${limits.max_keepalive_s} s`)
  }
  if (!client._cleanStart) {
    onResume(client)
    return done(null, true)
  }
  onCleanStart(client, (error) => {
    if (error === null) done(null, true)
    else refuse(codes.serverUnavailable, error.message)
  })
}

/**
 * MQTT 5 is told the limit [MQTT-3.1.2-21]. MQTT 3 has no word for it: one that asks for more is refused, and one that asks for
 * none is let in, as Mosquitto's manual says.
 */
function grantKeepAlive(client: BrokerClient, { max_keepalive_s: limit }: Config['mqtt']): boolean {
  const asked = client.amber.connect?.keepalive ?? 0
  if (limit === 0 || (asked > 0 && asked <= limit)) return true
  if (client.version !== 5) return asked === 0
  client._serverKeepAlive = limit
  return true
}
