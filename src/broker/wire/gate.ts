// Stands between a socket and Aedes' parser: only packets that keep to the protocol pass; the first that does not
// ends the connection with a reason. What comes behind CONNECT waits until the client is let in. A publish without properties
// is read here and passes by the parser.

import type { Log } from '../../ops/log.ts'
import type { BrokerClient, PublishPacket } from '../client.ts'
import { dismiss } from './answers.ts'
import { protocolVersion } from './connect.ts'
import type { Fault } from './fault.ts'
import { createFrameReader } from './frames.ts'
import { type Frame, packetFault } from './packets.ts'
import { readPlainPublish } from './plainPublish.ts'
import type { Pairs } from './properties.ts'

export interface GateDependencies {
  log: Log
  packetBytesMax: number
  /** Bytes a client may leave unread of what it is answered. */
  queuedBytesMax: number
  /** Unacknowledged QoS 1 and 2 publishes of a client: Receive Maximum. */
  inflightMax: number
  /** Topic filters one SUBSCRIBE or UNSUBSCRIBE may name. */
  filtersMax: number
  /** Versions of MQTT a client may speak; empty: all. */
  versions: readonly number[]
  /** A publish without properties, in its place among the packets that reach the parser. */
  onPublish: (packet: PublishPacket) => void
}

export interface Gate {
  /** User properties of the packets that reached the parser and have some, in their order. */
  takePairs(): Pairs | null
  /** Ends the connection for a breach of the protocol. */
  refuse(fault: Fault): void
}

const tooMany: Fault = {
  reasonCode: 0x93,
  message: 'more publishes unacknowledged than Receive Maximum [MQTT-3.3.4-9]',
}
const unread: Fault = { reasonCode: 0x97, message: 'you do not read the answers' }
const otherVersion: Fault = {
  reasonCode: 0x84,
  message: 'this version of MQTT is not spoken on this listener (accept_protocol_versions)',
}
/** Answers of one turn, which no client can have read. */
const turnBytesMax = 65_536

/** `versions`: those spoken; empty: all. */
function versionFault(versions: readonly number[], version: number): Fault | null {
  return versions.length === 0 || versions.includes(version) ? null : otherVersion
}

export function attachGate(client: BrokerClient, dependencies: GateDependencies): Gate {
  const { packetBytesMax, queuedBytesMax, inflightMax, versions, onPublish, log } = dependencies
  const chunks = createFrameReader({ packetBytesMax })
  const parser = client._parser
  const parse = parser.parse.bind(parser)
  const pairs: Pairs[] = []
  const isOver = (): boolean => client.amber.refused || client.closed
  const reading = holdReading(client)
  let version = 0

  const refuse = (fault: Fault): void => {
    log.info({ client: client.id, address: client.amber.remoteAddress }, `refused: ${fault.message}`)
    rejectClient(client, version, fault)
  }
  const faultOf = (frame: Frame): Fault | null => {
    const fault =
      packetFault(frame, version, dependencies) ??
      (opens(client, frame, version, inflightMax) ? null : tooMany)
    if (frame.header >> 4 !== 1) return fault
    // What answers a CONNECT is in the words of its own version.
    if (fault === null || version === 0) version = protocolVersion(frame)
    return fault ?? versionFault(versions, version)
  }

  /** Reads a chunk of whole and partial packets; packets in a row go to the parser in one piece. */
  const read = (chunk: Buffer): void => {
    let bytes: Buffer | null = null
    let from = 0
    let to = 0
    const pass = (): void => {
      if (bytes !== null && to > from) parse(bytes.subarray(from, to))
      from = to
    }
    const onFrame = (frame: Frame): boolean => {
      bytes ??= frame.bytes
      if (from === to) from = frame.begin
      const fault = faultOf(frame)
      if (fault !== null) {
        pass()
        refuse(fault)
        return false
      }
      // Before CONNACK is sent Aedes keeps packets in a queue of its own, which must not be overtaken.
      const plain = client.connackSent && isEmpty(parser._queue) ? readPlainPublish(frame, version) : null
      if (plain !== null) {
        pass()
        from = to = frame.end
        onPublish(plain)
        return !isOver()
      }
      if (frame.pairs !== null) pairs.push(frame.pairs)
      to = frame.end
      if (frame.header >> 4 !== 1) return !isOver()
      reading.hold(frame.bytes.subarray(frame.end))
      pass()
      return false
    }
    const fault = chunks.push(chunk, onFrame)
    pass()
    if (fault !== null && !isOver()) refuse(fault)
  }

  parser.parse = (chunk: Buffer): number => {
    if (isOver()) return 0
    if (client.amber.outlet.queued > queuedBytesMax + turnBytesMax) refuse(unread)
    else read(chunk)
    return 0
  }
  client.amber.open = () => {
    // Aedes keeps what it is given before this moment in a queue of its own.
    if (client.connected) reading.goOn()
    else client.once('connected', () => reading.goOn())
  }
  return { takePairs: () => pairs.shift() ?? null, refuse }
}

/**
 * Leaves what comes behind CONNECT in the socket until the client is let in, its end included: who sends all it has to say
 * and hangs up is heard out. Aedes goes on reading by itself before it is ready to.
 */
function holdReading(client: BrokerClient): { hold: (rest: Buffer) => void; goOn: () => void } {
  let resume = (): void => undefined
  return {
    hold(rest) {
      resume = client.resume.bind(client)
      client.pause()
      client.resume = () => undefined
      if (rest.length > 0) client.conn.unshift(rest)
    },
    goOn() {
      client.resume = resume
      if (!client.closed) resume()
    },
  }
}

const isEmpty = (queue: readonly unknown[] | null): boolean => queue === null || queue.length === 0

/** Counts a QoS 1 or 2 publish as under way; `false` when there are too many [MQTT-3.3.4-7]. */
function opens(
  { amber }: BrokerClient,
  { header, bytes, start }: Frame,
  version: number,
  max: number,
): boolean {
  const qos = (header >> 1) & 3
  if (header >> 4 !== 3 || qos === 0) return true
  const { unacknowledged, halfOpen } = amber
  const ids = qos === 1 ? unacknowledged : halfOpen
  const id = bytes.readUInt16BE(start + 2 + bytes.readUInt16BE(start))
  // MQTT 3 has no such limit; there only what has to be remembered is bounded.
  const open = version === 5 ? unacknowledged.size + halfOpen.size : qos === 2 ? halfOpen.size : 0
  if (!ids.has(id) && open >= max) return false
  ids.add(id)
  return true
}

/** CONNACK with a reason before the session began, DISCONNECT after; MQTT 3 is closed [MQTT-4.13.1, 3.1.4-1]. */
function rejectClient(client: BrokerClient, version: number, fault: Fault): void {
  if (client.connected && client.version === 5) return dismiss(client, fault.reasonCode, fault.message)
  client.amber.refused = true
  client.amber.endReason ??= fault.message
  const isNew = !client.connecting && !client.connected
  if (isNew && version === 5) client.conn.end(Buffer.from([0x20, 3, 0, fault.reasonCode, 0]))
  else if (isNew && fault.reasonCode === 0x84) client.conn.end(Buffer.from([0x20, 2, 0, 1]))
  else client.conn.destroy()
}
