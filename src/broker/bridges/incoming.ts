// From the other broker to here: a QoS 2 message is stored once however often it is sent, also over a loss of the connection
// [MQTT-4.3.3-10]. The memory of it is the process', so that over a restart here it may come twice.

import type { IPublishPacket, Packet } from 'mqtt-packet'

export interface ExactlyOnce {
  /** Stores a message, unless it is the copy of one that is stored or being stored. */
  take(packet: IPublishPacket, store: () => Promise<void>): Promise<void>
  /** Hears of the PUBREL that ends a message. */
  hear(packet: Packet): void
  /** The session on the other side is a new one. */
  clear(): void
}

export function createExactlyOnce(): ExactlyOnce {
  /** By packet identifier, which bounds them. */
  const halfOpen = new Map<number, Promise<void>>()
  return {
    take({ qos, dup, messageId = 0 }, store) {
      if (qos < 2) return store()
      const earlier = dup ? halfOpen.get(messageId) : undefined
      if (earlier !== undefined) return earlier
      const stored = store()
      halfOpen.set(messageId, stored)
      stored.catch(() => {
        if (halfOpen.get(messageId) === stored) halfOpen.delete(messageId)
      })
      return stored
    },
    hear({ cmd, messageId = 0 }) {
      if (cmd === 'pubrel') halfOpen.delete(messageId)
    },
    clear: () => halfOpen.clear(),
  }
}
