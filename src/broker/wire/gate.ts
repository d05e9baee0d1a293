// Stands between a socket and Aedes' parser: only packets that keep to the protocol pass; the first that does not
// ends the connection with a reason. PUBREL is taken out here, because its answer waits for the store.

import type { Log } from '../../ops/log.ts'
import type { BrokerClient } from '../client.ts'
import { dismiss } from './answers.ts'
import { protocolVersion } from './connect.ts'
import type { Fault } from './fault.ts'
import { createFrameReader } from './frames.ts'
import { type Frame, packetFault } from './packets.ts'

export interface GateDependencies {
  log: Log
  packetBytesMax: number
  /** PUBREL arrived [MQTT-4.3.3]. */
  onRelease: (client: BrokerClient, messageId: number) => void
  /** A QoS 2 publish arrived; `false` when the client has too many open. */
  mayOpen: (client: BrokerClient, messageId: number) => boolean
}

const tooMany: Fault = {
  reasonCode: 0x93,
  message: 'more QoS 2 publishes open than Receive Maximum [MQTT-3.3.4-9]',
}

export function attachGate(client: BrokerClient, dependencies: GateDependencies): void {
  const { packetBytesMax, onRelease, mayOpen, log } = dependencies
  const reader = createFrameReader({ packetBytesMax })
  const parser = client._parser
  const parse = parser.parse.bind(parser)
  let version = 0

  const refuse = (fault: Fault): void => {
    log.debug({ client: client.id, address: client.amber.remoteAddress }, `protocol fault: ${fault.message}`)
    rejectClient(client, version, fault)
  }

  parser.parse = (chunk: Buffer): number => {
    if (client.amber.refused || client.closed) return 0
    let bytes: Buffer | null = null
    let from = 0
    let to = 0
    /** Packets in a row go to the parser in one piece. */
    const pass = (): void => {
      if (bytes !== null && to > from) parse(bytes.subarray(from, to))
      from = to
    }
    const onFrame = (frame: Frame): boolean => {
      if (bytes === null) {
        bytes = frame.bytes
        from = frame.begin
      }
      const fault = packetFault(frame, version) ?? (opensTooMany(frame) ? tooMany : null)
      if (fault !== null) {
        pass()
        refuse(fault)
        return false
      }
      if (frame.header >> 4 === 1) version = protocolVersion(frame)
      if (frame.header >> 4 === 6) {
        pass()
        from = frame.end
        to = frame.end
        onRelease(client, frame.bytes.readUInt16BE(frame.start))
      } else to = frame.end
      return !client.amber.refused && !client.closed
    }
    const opensTooMany = ({ header, bytes: data, start }: Frame): boolean => {
      if (header >> 4 !== 3 || ((header >> 1) & 3) !== 2) return false
      return !mayOpen(client, data.readUInt16BE(start + 2 + data.readUInt16BE(start)))
    }
    const fault = reader.push(chunk, onFrame)
    pass()
    if (fault !== null) refuse(fault)
    return 0
  }
}

/** CONNACK with a reason before the session began, DISCONNECT after; MQTT 3 is closed [MQTT-4.13.1, 3.1.4-1]. */
function rejectClient(client: BrokerClient, version: number, fault: Fault): void {
  if (client.connected && client.version === 5) return dismiss(client, fault.reasonCode, fault.message)
  client.amber.refused = true
  if (!client.connecting && !client.connected && fault.reasonCode === 0x84) {
    client.conn.end(Buffer.from([0x20, 2, 0, 1]))
  } else if (!client.connecting && !client.connected && version === 0 && fault.reasonCode === 0x90) {
    client.conn.end(Buffer.from([0x20, 3, 0, fault.reasonCode, 0]))
  } else client.conn.destroy()
}
