// A bridge's place in its own broker: a session like that of any client, with its queue, its limits and its journal. So what
// is to go out waits there while the other side is away, over a restart as well, and is sent again when it was not acknowledged.

import type { Duplex } from 'node:stream'
import { generate, type IPublishPacket, type ISubackPacket, type Packet, parser } from 'mqtt-packet'
import type { BridgeFilter } from './topics.ts'

/** How far a message to carry has come. */
export interface Progress {
  /** QoS 2: the other side has it, and no more than its PUBREL is ever sent again. */
  received: () => void
  /** The other side has acknowledged it. */
  done: () => void
}

export interface LocalOptions {
  clientId: string
  filters: readonly BridgeFilter[]
  /** Filters of the session that are wanted no longer. */
  outdated: readonly string[]
  /** Messages handed over and not acknowledged yet; the rest waits in the queue of the session. */
  windowMax: number
  /** Retained messages are sent: always (0), of new filters (1), never (2) [MQTT-3.8.3.1]. */
  retained: 0 | 1 | 2
  onMessage: (packet: IPublishPacket, progress: Progress) => void
  /** In an earlier connection the other side said that it has this QoS 2 message; `done` when it is through with it. */
  onReleased: (messageId: number, done: () => void) => void
  onReady: () => void
  onClose: (why: string) => void
}

const version = { protocolVersion: 5 } as const
const neverExpires = 0xffff_ffff
/** Speaks MQTT 5 over `stream`; closing the stream ends it. */
export function attachLocal(stream: Duplex, options: LocalOptions): void {
  const { clientId, filters, outdated, windowMax, retained } = options
  const { onMessage, onReleased, onReady, onClose } = options
  const send = (packet: Packet): void => {
    if (!stream.destroyed) stream.write(generate(packet, version))
  }
  const exactly = createExactly(send, onReleased)
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
      const progress = exactly.begin(messageId)
      if (progress !== null) onMessage(packet, progress)
      return
    }
    const done = (): void => {
      if (qos === 1) send({ cmd: 'puback', messageId, reasonCode: 0 })
    }
    onMessage(packet, { received: () => undefined, done })
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
    else if (packet.cmd === 'pubrel') exactly.release(packet.messageId ?? 0)
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

/**
 * QoS 2 as the other side goes through it: PUBREC here when it came there, PUBCOMP here when all is said there. So the session
 * knows after any loss which of PUBLISH and PUBREL is to be sent again.
 */
function createExactly(send: (packet: Packet) => void, onReleased: LocalOptions['onReleased']) {
  interface State {
    isReceived: boolean
    isReleased: boolean
    isDone: boolean
  }
  const underWay = new Map<number, State>()
  const complete = (messageId: number): void => {
    underWay.delete(messageId)
    send({ cmd: 'pubcomp', messageId, reasonCode: 0 })
  }
  return {
    /** `null`: a second copy is the same message [MQTT-4.3.3-10]. */
    begin(messageId: number): Progress | null {
      if (underWay.has(messageId)) return null
      const state: State = { isReceived: false, isReleased: false, isDone: false }
      underWay.set(messageId, state)
      const received = (): void => {
        if (state.isReceived) return
        state.isReceived = true
        send({ cmd: 'pubrec', messageId, reasonCode: 0 })
      }
      const done = (): void => {
        received()
        state.isDone = true
        if (state.isReleased) complete(messageId)
      }
      return { received, done }
    },
    release(messageId: number): void {
      const state = underWay.get(messageId)
      if (state === undefined) onReleased(messageId, () => complete(messageId))
      else if (state.isDone) complete(messageId)
      else state.isReleased = true
    },
  }
}
