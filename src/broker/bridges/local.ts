// A bridge's place in its own broker: a session like that of any client, with its queue, its limits and its journal. So what
// is to go out waits there while the other side is away, over a restart as well, and is sent again when it was not acknowledged.

import type { Duplex } from 'node:stream'
import { generate, type IPublishPacket, type ISubackPacket, type Packet, parser } from 'mqtt-packet'
import type { BridgeFilter } from './topics.ts'

export interface LocalOptions {
  clientId: string
  filters: readonly BridgeFilter[]
  /** Filters of the session that are wanted no longer. */
  outdated: readonly string[]
  /** Retained messages are sent: always (0), of new filters (1), never (2) [MQTT-3.8.3.1]. */
  retained: 0 | 1 | 2
  /** A message to carry; `done` when the other side has acknowledged it. */
  onMessage: (packet: IPublishPacket, done: () => void) => void
  onReady: () => void
  onClose: (why: string) => void
}

const version = { protocolVersion: 5 } as const
const neverExpires = 0xffff_ffff
/** Messages handed over and not acknowledged yet; the rest waits in the queue of the session. */
const windowMax = 100

/** Speaks MQTT 5 over `stream`; closing the stream ends it. */
export function attachLocal(stream: Duplex, options: LocalOptions): void {
  const { clientId, filters, outdated, retained, onMessage, onReady, onClose } = options
  const send = (packet: Packet): void => {
    if (!stream.destroyed) stream.write(generate(packet, version))
  }
  /** QoS 2 messages under way: a second copy is the same message [MQTT-4.3.3-10]. */
  const underWay = new Set<number>()
  const subscribe = (): void => {
    if (outdated.length > 0) send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [...outdated] })
    if (filters.length === 0) {
      onReady()
      return
    }
    const subscriptions = filters.map(({ filter, qos }) => {
      return { topic: filter, qos, nl: true, rap: true, rh: retained }
    })
    send({ cmd: 'subscribe', messageId: 1, subscriptions })
  }
  const onPublish = (packet: IPublishPacket): void => {
    const { qos, messageId = 0 } = packet
    if (qos === 2) {
      if (underWay.has(messageId)) return
      underWay.add(messageId)
    }
    onMessage(packet, () => {
      if (qos === 1) send({ cmd: 'puback', messageId, reasonCode: 0 })
      if (qos === 2) send({ cmd: 'pubrec', messageId, reasonCode: 0 })
    })
  }
  const answer = (packet: Packet): void => {
    if (packet.cmd === 'connack') {
      if (packet.reasonCode === 0) subscribe()
      else onClose(`the session was refused (${packet.reasonCode})`)
    } else if (packet.cmd === 'suback' && packet.messageId === 1) {
      const refused = (packet as ISubackPacket).granted.map(Number).filter((code) => code > 2)
      if (refused.length > 0) onClose(`a subscription was refused (${refused.join(', ')})`)
      else onReady()
    } else if (packet.cmd === 'publish') onPublish(packet)
    else if (packet.cmd === 'pubrel') {
      underWay.delete(packet.messageId ?? 0)
      send({ cmd: 'pubcomp', messageId: packet.messageId ?? 0, reasonCode: 0 })
    }
  }
  const reader = parser(version)
  reader.on('packet', answer)
  reader.on('error', (error: Error) => onClose(error.message))
  stream.on('data', (chunk: Buffer) => reader.parse(chunk))
  stream.once('close', () => onClose('the session was closed'))
  send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clientId,
    clean: false,
    keepalive: 0,
    properties: { sessionExpiryInterval: neverExpires, receiveMaximum: windowMax },
  })
}
