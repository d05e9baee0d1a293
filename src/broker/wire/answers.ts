// The short packets a server answers with, encoded by hand because they are the most frequent ones:
// PUBACK, PUBREC, PUBREL and PUBCOMP [MQTT-3.4 to 3.7], and the DISCONNECT that says why.

import type { BrokerClient } from '../client.ts'
import { endingOf } from '../presence.ts'

const headers = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const

/** Writes an acknowledgement. The reason text is left out when the client asked for no problem information [MQTT-3.1.2-29]. */
export function sendAcknowledgement(
  client: BrokerClient,
  kind: keyof typeof headers,
  messageId: number,
  reasonCode = 0,
  reason?: string,
): void {
  if (client.closed || client.conn.destroyed) return
  const { outlet } = client.amber
  if (client.version === 5 && (reasonCode !== 0 || reason !== undefined)) {
    outlet.add(encodeReason(client, headers[kind], messageId, reasonCode, reason))
    return
  }
  const bytes = outlet.reserve(4)
  bytes[0] = headers[kind]
  bytes[1] = 2
  bytes[2] = messageId >> 8
  bytes[3] = messageId & 0xff
}

function encodeReason(
  client: BrokerClient,
  header: number,
  messageId: number,
  reasonCode: number,
  reason: string | undefined,
): Buffer {
  const high = messageId >> 8
  const low = messageId & 0xff
  if (reason === undefined || client._requestProblemInformation === false) {
    return Buffer.from([header, 3, high, low, reasonCode])
  }
  // Cut so that the length of the properties stays one byte long, and no character is cut in two.
  const text = Buffer.from(reason.slice(0, 41).toWellFormed())
  const properties = 3 + text.length
  const full = Buffer.concat([
    Buffer.from([header, 4 + properties, high, low, reasonCode, properties, 0x1f, 0, text.length]),
    text,
  ])
  const most = client.maximumPacketSize
  return most !== undefined && full.length > most ? Buffer.from([header, 3, high, low, reasonCode]) : full
}

/** How long a client may take to read why it is closed. */
const lingerMs = 1000

/** Ends a connection: MQTT 5 hears why [MQTT-4.13.1-1], MQTT 3 sees it closed. */
export function dismiss(client: BrokerClient, reasonCode: number, reason?: string): void {
  if (client.amber.refused || client.closed) return
  client.amber.refused = true
  client.amber.endReason ??= reason ?? endingOf(reasonCode)
  if (client.version === 5) client.amber.outlet.lingerMs = lingerMs
  const tell = reason !== undefined && client._requestProblemInformation !== false
  client.disconnect(tell ? { reasonCode, properties: { reasonString: reason } } : { reasonCode })
}
