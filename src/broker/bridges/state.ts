// What a bridge of another broker tells here about its connection: the one topic below $SYS a client may write, and only a
// client that says it is a bridge. It is shown, and it is no reading.

import type { BrokerClient } from '../client.ts'

const stateTopic = /^\$SYS\/broker\/connection\/[^/]+\/state$/

export function isStateTopic(topic: string): boolean {
  return stateTopic.test(topic)
}

/** MQTT 3 has a mark for bridges in its protocol version. */
export function isForeignBridge({ amber }: BrokerClient): boolean {
  return (amber.connect as { bridgeMode?: boolean } | null)?.bridgeMode === true
}
