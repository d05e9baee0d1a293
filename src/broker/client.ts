// An MQTT connection as Aedes holds it, with the internals of aedes@2.0.0-beta.1 that the guard leans on named once,
// and what Amber remembers beside it: who it is, which will it left, how much it has under way.

import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Aedes, Client } from 'aedes'
import type { IPublishPacket, UserProperties } from 'mqtt-packet'
import type { Authenticator, Principal } from '../auth/principal.ts'
import type { CountSessions } from './sys/holdings.ts'

/** Properties of a PUBLISH as decoded here; user properties also as pairs in the order sent [MQTT-3.3.2-18]. */
export interface WireProperties {
  payloadFormatIndicator?: boolean
  messageExpiryInterval?: number
  topicAlias?: number
  responseTopic?: string
  correlationData?: Buffer
  userProperties?: UserProperties
  contentType?: string
  subscriptionIdentifier?: number | number[]
  willDelayInterval?: number
}

/** A publish on its way through Aedes. A will has no `cmd`. */
export interface PublishPacket {
  cmd?: 'publish'
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  retain: boolean
  dup?: boolean
  messageId?: number
  properties?: WireProperties
  /** Of the broker that made the packet, and its number there: what makes a delivery recognisable. */
  brokerId?: string | null
  brokerCounter?: number
  /** Who published it, set by Aedes before delivery. */
  clientId?: string
  /** Milliseconds since 1970 after which it is not delivered [MQTT-3.3.2-5]. */
  messageExpiry?: number
  /** Aedes leaves such a packet unpublished and unacknowledged: the answer was given already. */
  _notAuthorized?: boolean
  /** QoS 2: its reading was stored by an earlier copy; acknowledge, do not publish. */
  storedBefore?: boolean
  /** The number of its reading. */
  seq?: number
}

/** A subscription as MQTT 5 spells it; MQTT 3 has topic and QoS alone. */
export interface SubscriptionRequest {
  topic: string
  qos: 0 | 1 | 2
  nl?: boolean
  rap?: boolean
  rh?: number
  subscriptionIdentifier?: number
}

export interface Parser extends EventEmitter {
  parse(chunk: Buffer): number
  _queue: unknown[] | null
}

/** What Amber knows of a connection beyond Aedes. */
export interface ClientState {
  principal: Principal | null
  /** Who decides about it. */
  auth: Authenticator
  /** The user name of its certificate; then no password is asked for. */
  identity: string | null
  /** Number of the last publish delivered: a second subscription that matches the same one is not served again. */
  lastDelivered: number
  /** Ids of QoS 2 publishes that arrived and are not released yet. */
  halfOpen: Set<number>
  remoteAddress: string
  connectedAt: number
  /** Set when the connection was refused or is being closed by us: nothing that follows is read. */
  refused: boolean
}

export interface BrokerClient extends Omit<Client, 'conn'> {
  amber: ClientState
  conn: Socket
  broker: AedesBroker
  id: string
  version: number
  clean: boolean
  errored: boolean
  connackSent: boolean
  sessionExpiryInterval: number
  subscriptions: Record<string, unknown>
  duplicates: Record<string, unknown>
  will: PublishPacket | null
  _will: PublishPacket | null
  _cleanStart: boolean
  _disconnected: boolean
  _requestProblemInformation: boolean
  _keepaliveInterval: number
  _keepaliveTimer: NodeJS.Timeout | null
  _parser: Parser
  deliver0: (packet: PublishPacket, done: () => void) => void
  deliverQoS: (packet: PublishPacket, done: () => void) => void
  waitForDrain: (done: (error: Error | null, client: BrokerClient) => void) => void
}

export interface AedesBroker extends Omit<Aedes, 'clients' | 'brokers' | 'publish' | 'handle'> {
  clients: Record<string, BrokerClient>
  brokers: Record<string, unknown>
  persistence: Persistence
  counter: number
  connectedClients: number
  handle: (stream: Socket) => BrokerClient
  publish(
    packet: Partial<PublishPacket> & Pick<IPublishPacket, 'topic'>,
    done: (error?: Error | null) => void,
  ): void
  subscribe(topic: string, deliver: unknown, done?: () => void): void
  unsubscribe(topic: string, deliver: unknown, done?: () => void): void
  publishWill(client: BrokerClient, will: PublishPacket): void
  emit(event: string, ...args: unknown[]): boolean
}

/** As much of a promise as Aedes asks for; one that answers at once keeps publishes in order. */
export interface Thenable<T> {
  // oxlint-disable-next-line no-thenable
  then(resolved?: (value: T) => void, rejected?: (error: Error) => void): unknown
}

/** Aedes' persistence contract, as far as the broker calls it itself. */
export interface Persistence {
  setup(broker: unknown): Promise<void>
  storeRetained(packet: PublishPacket): Thenable<unknown>
  createRetainedStreamCombi(filters: string[]): AsyncIterable<PublishPacket>
  addSubscriptions(client: { id: string }, subscriptions: SubscriptionRequest[]): Thenable<unknown>
  removeSubscriptions(client: { id: string }, filters: string[]): Thenable<unknown>
  subscriptionsByClient(client: { id: string }): Thenable<SubscriptionRequest[]>
  cleanSubscriptions(client: { id: string }): Thenable<unknown>
  outgoingEnqueue(subscription: { clientId: string }, packet: PublishPacket): Thenable<unknown>
  outgoingUpdate(client: { id: string }, packet: object): Thenable<unknown>
  outgoingClearMessageId(client: { id: string }, packet: { messageId: number }): Thenable<unknown>
  outgoingStream(client: { id: string }): AsyncIterable<PublishPacket>
  incomingGetPacket(client: BrokerClient, packet: PublishPacket): unknown
  incomingStorePacket(client: BrokerClient, packet: PublishPacket): unknown
  incomingDelPacket(client: BrokerClient, packet: PublishPacket): unknown
  delWill(client: { id: string; brokerId?: string }): Thenable<unknown>
  destroy(): Promise<void>
  countSessions?: CountSessions
}
