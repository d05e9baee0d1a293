// PUBREL: the receipt is settled durably, then PUBCOMP leaves [MQTT-4.3.3-11]. A failed store keeps both back:
// the client asks again when it reconnects.

import type { BrokerClient } from '../client.ts'
import { dismiss, sendAcknowledgement } from '../wire/answers.ts'
import type { Receipts } from './receipts.ts'

/** Packet Identifier not found [MQTT-3.7.2.1]. */
const notFound = 0x92

export function createRelease({ receipts }: { receipts: Receipts }) {
  return (client: BrokerClient, messageId: number): void => {
    if (client._keepaliveInterval > 0) client._keepaliveTimer?.refresh()
    receipts.release(client.id, messageId, (error, found) => {
      if (error === null) {
        client.amber.halfOpen.delete(messageId)
        sendAcknowledgement(client, 'pubcomp', messageId, found ? 0 : notFound)
      } else if (client.version === 5) dismiss(client, error.reasonCode, error.message)
      else client.conn.destroy()
    })
  }
}
