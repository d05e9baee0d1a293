// PUBLISH as bytes [MQTT-3.3]. The same message goes to many subscribers with the same bytes but for the first byte and the
// packet id, so these two are left open and filled in for each.

import type { PublishProperties } from '../../domain/reading.ts'
import type { Message } from '../message.ts'

/** A PUBLISH without its first byte's flags and its packet id. */
export interface PublishForm {
  /** Everything before the payload. */
  head: Buffer
  payload: Buffer
  /** Where the packet id belongs in `head`; 0 when there is none. */
  idAt: number
  /** Length of the whole packet. */
  bytes: number
}

export interface FormOptions {
  version: number
  /** Has a packet id: QoS 1 or 2. */
  identified: boolean
  /** MQTT 5: the subscriptions it answers [MQTT-3.3.4-3]. */
  subscriptionIds: readonly number[]
  /** MQTT 5: seconds left to live; `null` when it does not expire. */
  expirySeconds: number | null
  /** MQTT 5: a number that stands for the topic on this connection; 0 for none. */
  alias?: number
  /** Whether the topic is left out, its alias being known [MQTT-3.3.2-12]. */
  topicOmitted?: boolean
}

export function encodePublish(message: Message, options: FormOptions): PublishForm {
  const { version, identified, topicOmitted = false } = options
  const topic = topicOmitted ? '' : message.topic
  const topicBytes = Buffer.byteLength(topic)
  const properties = version === 5 ? encodeProperties(message.properties, options) : null
  const propertiesBytes = properties === null ? 0 : varintBytes(properties.length) + properties.length
  const remaining = 2 + topicBytes + (identified ? 2 : 0) + propertiesBytes + message.payload.length
  const head = Buffer.allocUnsafe(1 + varintBytes(remaining) + remaining - message.payload.length)
  head[0] = 0x30
  let at = writeVarint(head, remaining, 1)
  at = head.writeUInt16BE(topicBytes, at)
  at += head.write(topic, at)
  const idAt = identified ? at : 0
  if (identified) at = head.writeUInt16BE(0, at)
  if (properties !== null) {
    at = writeVarint(head, properties.length, at)
    head.set(properties, at)
  }
  return { head, payload: message.payload, idAt, bytes: head.length + message.payload.length }
}

/** The first byte of a PUBLISH. */
export function publishHeader(qos: 0 | 1 | 2, retain: boolean, dup: boolean): number {
  return 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)
}

const none = Buffer.alloc(0)

function encodeProperties(properties: PublishProperties | null, options: FormOptions): Buffer {
  const { subscriptionIds, expirySeconds, alias = 0 } = options
  if (properties === null && subscriptionIds.length === 0 && expirySeconds === null && alias === 0)
    return none
  const parts: Buffer[] = []
  if (properties?.payloadFormatIndicator !== undefined) {
    parts.push(Buffer.from([0x01, properties.payloadFormatIndicator ? 1 : 0]))
  }
  if (expirySeconds !== null) {
    const part = Buffer.from([0x02, 0, 0, 0, 0])
    part.writeUInt32BE(expirySeconds, 1)
    parts.push(part)
  }
  if (properties?.contentType !== undefined) parts.push(text(0x03, properties.contentType))
  if (properties?.responseTopic !== undefined) parts.push(text(0x08, properties.responseTopic))
  if (properties?.correlationData !== undefined) parts.push(blob(0x09, properties.correlationData))
  for (const id of subscriptionIds) {
    const part = Buffer.alloc(1 + varintBytes(id), 0x0b)
    writeVarint(part, id, 1)
    parts.push(part)
  }
  if (alias > 0) parts.push(Buffer.from([0x23, alias >> 8, alias & 0xff]))
  for (const [name, value] of properties?.userProperties ?? []) {
    parts.push(text(0x26, name), text(null, value))
  }
  return Buffer.concat(parts)
}

function text(id: number | null, value: string): Buffer {
  return blob(id, Buffer.from(value))
}

function blob(id: number | null, value: Uint8Array): Buffer {
  const lead = id === null ? 0 : 1
  const part = Buffer.allocUnsafe(lead + 2 + value.length)
  if (id !== null) part[0] = id
  part.writeUInt16BE(value.length, lead)
  part.set(value, lead + 2)
  return part
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4
}

function writeVarint(bytes: Buffer, value: number, from: number): number {
  let at = from
  let rest = value
  for (; rest > 0x7f; rest = rest >> 7) bytes[at++] = (rest & 0x7f) | 0x80
  bytes[at] = rest
  return at + 1
}
