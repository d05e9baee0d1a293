// What a publisher is told when its publish is not kept: never an acknowledgement.
// MQTT 5: PUBACK or PUBREC with a reason code. MQTT 3 has no such word, so the connection closes and the device sends again.

import type { AppError } from '../../domain/errors.ts'
import type { BrokerClient, PublishPacket } from '../client.ts'
import { sendAcknowledgement } from '../wire/answers.ts'

/** Reason codes PUBACK and PUBREC know [MQTT-3.4.2-1, 3.5.2-1]; any other becomes 0x80. */
const allowed = new Set([0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])

/** Answers, then lets Aedes go on to the next packet (`done(null)`) or close the connection (`done(error)`). */
export function refusePublish(
  client: BrokerClient,
  packet: PublishPacket,
  error: AppError,
  done: (error?: Error | null) => void,
): void {
  client.amber.unacknowledged.delete(packet.qos === 1 ? (packet.messageId ?? 0) : 0)
  if (packet.qos === 2) client.amber.halfOpen.delete(packet.messageId ?? 0)
  if (packet.qos === 0) return done(null)
  if (client.version !== 5) return done(error)
  const reasonCode = allowed.has(error.reasonCode) ? error.reasonCode : 0x80
  sendAcknowledgement(
    client,
    packet.qos === 1 ? 'puback' : 'pubrec',
    packet.messageId ?? 0,
    reasonCode,
    error.message,
  )
  done(null)
}
