// A connection that came through a listener becomes a client of Aedes, with every guard around it.

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Authenticator } from '../auth/principal.ts'
import type { Config } from '../config/schema.ts'
import type { Log } from '../ops/log.ts'
import type { AedesBroker, ClientState } from './client.ts'
import { type Closing, endInTurns } from './closing.ts'
import { gatherWrites } from './flush.ts'
import { guardDrain } from './guard/drain.ts'
import { guardClientNames } from './guard/names.ts'
import type { Caller } from './listeners/entrance.ts'
import { limitPace } from './listeners/pace.ts'
import type { AuthorizePublish } from './capture/publishes.ts'
import {
  type Answer,
  createTakePublish,
  type DispatchDependencies,
  dispatchPackets,
} from './protocol/dispatch.ts'
import { createPublishCheck } from './protocol/publish.ts'
import { Turns } from './protocol/turns.ts'
import { countTraffic, type Traffic } from './sys/traffic.ts'
import { dismiss } from './wire/answers.ts'
import { attachGate } from './wire/gate.ts'

/** A packet may name this many topic filters, also where a session may have fewer subscriptions. */
const filtersOfPacket = 10_000

/** Who is calling, and who decides whether to let them in. */
export type Door = Caller & {
  auth: Authenticator
  /** Its port or path; left out for the server's own end of a bridge. */
  listener?: string
  /** The server's own end of a bridge. */
  isBridge?: boolean
  /** Versions of MQTT spoken here; empty or left out: all. */
  versions?: readonly number[]
  /** In front of all topics of the client; left out: nothing. */
  mountPoint?: string
  /** Begins a client id that is made for the client; left out: as configured for all. */
  autoIdPrefix?: string | undefined
  /** Whether the client may come without an id; left out: as configured for all. */
  mayComeWithoutId?: boolean | undefined
}

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

export interface AcceptDependencies {
  /** What Amber answers itself. */
  answers: ReadonlyMap<string, Answer>
  authorizePublish: AuthorizePublish
  /** Of all connections together. */
  closing: Closing
  limits: Config['mqtt']
  log: Log
}

export function accept(
  aedes: AedesBroker,
  stream: Duplex,
  door: Door,
  { answers, authorizePublish, closing, limits, log }: AcceptDependencies,
): void {
  // Aedes uses no more of a socket than any duplex stream has.
  const socket = stream as Socket
  const outlet = gatherWrites(socket)
  endInTurns(socket, closing)
  const client = aedes.handle(socket)
  const state: ClientState = {
    principal: null,
    auth: door.auth,
    listener: door.listener ?? '',
    publisher: null,
    identity: door.identity,
    isIdAssigned: false,
    isBridge: door.isBridge === true,
    mountPoint: door.mountPoint ?? '',
    autoIdPrefix: door.autoIdPrefix ?? null,
    mayComeWithoutId: door.mayComeWithoutId ?? null,
    connect: null,
    session: null,
    registered: false,
    will: null,
    outlet,
    open: () => undefined,
    turns: new Turns(),
    unacknowledged: new Set(),
    halfOpen: new Set(),
    leftOver: new Set(),
    remoteAddress: door.address,
    connectedAt: Date.now(),
    flow: { messagesIn: 0, bytesIn: 0, messagesOut: 0, bytesOut: 0 },
    endReason: null,
    refused: false,
  }
  client.amber = state
  guardClientNames(client)
  guardDrain(client)
  const dispatch: DispatchDependencies = {
    answers,
    authorizePublish,
    publishFault: createPublishCheck({
      topicLevelsMax: limits.max_topic_levels,
      qosMax: limits.max_qos,
      retainAvailable: limits.retain_available,
      topicAliasMax: limits.max_topic_alias,
      mountPoint: state.mountPoint,
    }),
    onFault: (_client, fault) => gate.refuse(fault),
    onError: (_client, error) => {
      log.error({ err: error, client: client.id }, 'a packet could not be answered')
      dismiss(client, 0x80)
      client.conn.destroy()
    },
    takePairs: () => gate.takePairs(),
  }
  const gate = attachGate(client, {
    log,
    packetBytesMax: limits.max_packet_size,
    queuedBytesMax: limits.max_queued_bytes,
    inflightMax: limits.max_inflight,
    filtersMax: Math.max(limits.max_subscriptions, filtersOfPacket),
    versions: door.versions ?? [],
    onPublish: createTakePublish(client, dispatch),
  })
  dispatchPackets(client, dispatch)
}
