// QoS 2 towards the server. In aedes@2.0.0-beta.1 a second PUBREL rejects a promise nobody holds, which ends the process;
// and a packet id left by an earlier session swallows the next publish. Capture keeps that memory, so Aedes' own is
// replaced by answers from it: these never reject into the void.

import type { Persistence, PublishPacket, Thenable } from '../client.ts'

const known: Thenable<object> = { then: (resolved) => resolved?.({}) }
const unknown: Thenable<object> = { then: (_resolved, rejected) => rejected?.(new Error('no such packet')) }
const finished = {
  then: (resolved?: (value: object) => void) => resolved?.({}),
  finally: (done: () => void) => done(),
}

export function guardIncoming(persistence: Persistence): void {
  persistence.incomingGetPacket = (_client, packet: PublishPacket) => (packet.storedBefore ? known : unknown)
  persistence.incomingStorePacket = () => known
  persistence.incomingDelPacket = () => finished
}
