// PUBACK, PUBREC and PUBCOMP of subscribers, and PUBREL of publishers: each moves one message one step [MQTT-4.3].

import type { IPubackPacket, IPubrecPacket, Packet } from 'mqtt-packet'
import type { Receipts } from '../capture/receipts.ts'
import type { BrokerClient } from '../client.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { dismiss, sendAcknowledgement } from '../wire/answers.ts'
import type { Answer } from './dispatch.ts'

/** Packet Identifier not found [MQTT-3.7.2.1]. */
const notFound = 0x92

export interface AcknowledgementDependencies {
  delivery: Delivery
  receipts: Receipts
}

export function createAcknowledgements({
  delivery,
  receipts,
}: AcknowledgementDependencies): Map<string, Answer> {
  const idOf = (packet: Packet): number => packet.messageId ?? 0
  return new Map<string, Answer>([
    [
      'puback',
      ({ amber: { session } }, packet) => {
        if (session) delivery.onPuback(session, idOf(packet))
      },
    ],
    [
      'pubrec',
      ({ amber: { session } }, packet) => {
        const { reasonCode = 0 } = packet as IPubackPacket | IPubrecPacket
        if (session) delivery.onPubrec(session, idOf(packet), reasonCode)
      },
    ],
    [
      'pubcomp',
      ({ amber: { session } }, packet) => {
        if (session) delivery.onPubcomp(session, idOf(packet))
      },
    ],
    ['pubrel', (client, packet) => release(receipts, client, idOf(packet))],
  ])
}

/** The receipt is settled durably, then PUBCOMP leaves [MQTT-4.3.3-11]; a failed store keeps both back, and the client asks again. */
function release(receipts: Receipts, client: BrokerClient, messageId: number): Promise<void> {
  return new Promise((resolve) => {
    receipts.release(client.id, messageId, (error, found) => {
      if (error === null) {
        client.amber.halfOpen.delete(messageId)
        sendAcknowledgement(client, 'pubcomp', messageId, found ? 0 : notFound)
      } else if (client.version === 5) dismiss(client, error.reasonCode, error.message)
      else client.conn.destroy()
      resolve()
    })
  })
}
