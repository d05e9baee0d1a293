// A connection that came through a listener becomes a client of Aedes, with every guard around it.

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Authenticator } from '../auth/principal.ts'
import type { Config } from '../config/schema.ts'
import type { AedesBroker, ClientState } from './client.ts'
import { gatherWrites } from './flush.ts'
import { guardDrain } from './guard/drain.ts'
import { guardDuplicates } from './guard/duplicates.ts'
import { guardClientNames } from './guard/names.ts'
import { guardQos } from './guard/qos.ts'
import type { Caller } from './listeners/entrance.ts'
import { limitPace } from './listeners/pace.ts'
import { countTraffic, type Traffic } from './sys/traffic.ts'
import { attachGate, type GateDependencies } from './wire/gate.ts'

/** Who is calling, and who decides whether to let them in. */
export type Door = Caller & { auth: Authenticator }

/** Counts and paces what goes over a stream, from its first byte on. */
export function createMeter(
  { max_bytes_per_s: bytesPerS, max_messages_per_s: messagesPerS }: Config['mqtt'],
  traffic: Traffic,
): (stream: Duplex) => void {
  return (stream) => {
    traffic.sockets++
    countTraffic(stream, traffic)
    limitPace(stream, { bytesPerS, messagesPerS })
  }
}

export function accept(aedes: AedesBroker, stream: Duplex, door: Door, gate: GateDependencies): void {
  // Aedes uses no more of a socket than any duplex stream has.
  const socket = stream as Socket
  gatherWrites(socket)
  const client = aedes.handle(socket)
  const state: ClientState = {
    principal: null,
    auth: door.auth,
    identity: door.identity,
    lastDelivered: 0,
    halfOpen: new Set(),
    remoteAddress: door.address,
    connectedAt: Date.now(),
    refused: false,
  }
  client.amber = state
  guardClientNames(client)
  guardDuplicates(client, aedes)
  guardDrain(client)
  guardQos(client)
  attachGate(client, gate)
}
