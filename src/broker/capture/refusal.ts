// What a publisher is told when its publish is not kept. MQTT 5: PUBACK or PUBREC with a reason code. MQTT 3 has no such word,
// so the connection closes and the device sends again; or, where `mqtt.acknowledge_refused` says so, what the configuration
// forbids is acknowledged and dropped, as the standard leaves open [MQTT-3.3.5-2]. What cannot be stored never is.

import type { AppError } from '../../domain/errors.ts'
import type { BrokerClient, PublishPacket } from '../client.ts'
import { sendAcknowledgement } from '../wire/answers.ts'

/** Reason codes PUBACK and PUBREC know [MQTT-3.4.2-1, 3.5.2-1]; any other becomes 0x80. */
const allowed = new Set([0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
/** "An implementation or administrative imposed limit has been exceeded": as much as these say of a size. */
const quotaExceeded = 0x97

/** Answers, then lets Aedes go on to the next packet (`done(null)`) or close the connection (`done(error)`). */
export function refusePublish(
  client: BrokerClient,
  packet: PublishPacket,
  error: AppError,
  done: (error?: Error | null) => void,
  /** Acknowledge it to a client that has no word for it. */
  { acknowledges = false }: { acknowledges?: boolean } = {},
): void {
  client.amber.unacknowledged.delete(packet.qos === 1 ? (packet.messageId ?? 0) : 0)
  if (packet.qos === 2) client.amber.halfOpen.delete(packet.messageId ?? 0)
  if (packet.qos === 0) return done(null)
  const kind = packet.qos === 1 ? 'puback' : 'pubrec'
  if (client.version === 5) {
    sendAcknowledgement(client, kind, packet.messageId ?? 0, reasonCodeOf(error), error.message)
  } else if (acknowledges) sendAcknowledgement(client, kind, packet.messageId ?? 0)
  else return done(error)
  done(null)
}

function reasonCodeOf({ code, reasonCode }: AppError): number {
  if (code === 'payload_too_large') return quotaExceeded
  return allowed.has(reasonCode) ? reasonCode : 0x80
}
