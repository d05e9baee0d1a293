// An MQTT connection as Aedes holds it, with the internals of aedes@2.0.0-beta.1 that the guard leans on named once,
// and what Amber remembers beside it: who it is, which will it left, how much it has under way.

import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Aedes, Client } from 'aedes'
import type { IConnectPacket, UserProperties } from 'mqtt-packet'
import type { Authenticator, Principal } from '../auth/principal.ts'
import type { Outlet } from './flush.ts'
import type { Turns } from './protocol/turns.ts'
import type { Publisher } from './message.ts'
import type { WillRecord } from './sessions/records.ts'
import type { Session, Subscription } from './sessions/session.ts'
import type { CountSessions } from './sys/holdings.ts'
import type { Pairs } from './wire/properties.ts'

/** Properties of a PUBLISH as Aedes' parser gives them. */
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
  /** User properties as sent, where the object of the parser loses their order [MQTT-3.3.2-18]. */
  userProperties?: Pairs
  brokerId?: string | null
  brokerCounter?: number
  clientId?: string
  /** Aedes leaves such a packet unpublished and unacknowledged: both are done here. */
  _notAuthorized?: boolean
}

export type SubscriptionRequest = Subscription

export interface Parser extends EventEmitter {
  parse(chunk: Buffer): number
  _queue: unknown[] | null
}

export interface Flow {
  messagesIn: number
  bytesIn: number
  messagesOut: number
  bytesOut: number
}

/** What Amber knows of a connection beyond Aedes. */
export interface ClientState {
  principal: Principal | null
  /** Who decides about it. */
  auth: Authenticator
  /** Port or path of its listener; empty for the server's own end of a bridge. */
  listener: string
  /** As whom its messages are kept; `null` until it is let in, and for a bridge's own end. */
  publisher: Publisher | null
  /** The user name of its certificate; then no password is asked for. */
  identity: string | null
  /** It is the server's own end of a bridge. */
  isBridge: boolean
  /** In front of all its topics, and unknown to it; empty for none. */
  mountPoint: string
  /** Begins a client id that is made for it; `null`: as configured for all. */
  autoIdPrefix: string | null
  /** Whether it may come without a client id; `null`: as configured for all. */
  mayComeWithoutId: boolean | null
  /** Its client id was made here, because it sent none. */
  isIdAssigned: boolean
  /** Its CONNECT, from the moment it was read. */
  connect: IConnectPacket | null
  session: Session | null
  /** Whether it stands in the table of clients. */
  registered: boolean
  will: WillRecord | null
  outlet: Outlet
  /** Lets what came behind CONNECT be read; set by the gate. */
  open: () => void
  /** Publishes that arrived and are not delivered yet, and what has to come after them. */
  turns: Turns
  /** Ids of QoS 1 publishes that arrived and are not acknowledged yet. */
  unacknowledged: Set<number>
  /** Ids of QoS 2 publishes that arrived and are not released yet. */
  halfOpen: Set<number>
  /** The same of a session before this one, which is over. */
  leftOver: Set<number>
  remoteAddress: string
  connectedAt: number
  /** Publishes that came from it and went to it over this connection, and their payload bytes. */
  flow: Flow
  /** Why its connection ends, when the server knows. */
  endReason: string | null
  /** Set when the connection was refused or is being closed by us: nothing that follows is read. */
  refused: boolean
}

export interface BrokerClient extends Omit<Client, 'conn' | 'receiveMaximum' | 'maximumPacketSize'> {
  amber: ClientState
  conn: Socket
  broker: AedesBroker
  id: string
  version: number
  clean: boolean
  errored: boolean
  connackSent: boolean
  sessionExpiryInterval: number
  /** MQTT 5: the same as CONNECT had it. */
  _connectSessionExpiryInterval?: number
  /** MQTT 5: the limits the client has set. */
  receiveMaximum: number
  maximumPacketSize?: number
  subscriptions: Record<string, unknown>
  will: PublishPacket | null
  _will: PublishPacket | null
  _cleanStart: boolean
  _disconnected: boolean
  _requestProblemInformation: boolean
  _requestResponseInformation: boolean
  _assignedClientId?: string
  _serverKeepAlive?: number
  _sessionExpiryClamped: boolean
  _parsingBatch: number
  _nextBatch: (error?: Error | null) => void
  _keepaliveInterval: number
  _keepaliveTimer: NodeJS.Timeout | null
  _parser: Parser
  /** Stops reading from the socket, and goes on. */
  pause(): void
  resume(): void
  waitForDrain: (done: (error: Error | null, client: BrokerClient) => void) => void
}

export interface AedesBroker extends Omit<Aedes, 'clients' | 'brokers' | 'publish' | 'handle'> {
  clients: Record<string, BrokerClient>
  brokers: Record<string, unknown>
  connectedClients: number
  persistence: Persistence
  handle: (stream: Duplex) => BrokerClient
  publish(packet: PublishPacket, client: unknown, done?: (error?: Error | null) => void): void
  registerClient(client: BrokerClient): void
  unregisterClient(client: BrokerClient): void
  publishWill(client: BrokerClient, will: PublishPacket): void
  scheduleWill(client: BrokerClient, will: PublishPacket, delaySeconds: number): void
  scheduleSessionExpiry(client: BrokerClient): void
  clampSessionExpiry(seconds: number): number
  emit(event: string, ...args: unknown[]): boolean
}

/** As much of a promise as Aedes asks for; one that answers at once keeps publishes in order. */
export interface Thenable<T> {
  // oxlint-disable-next-line no-thenable
  then(resolved?: (value: T) => void, rejected?: (error: Error) => void): unknown
}

/** Aedes' persistence contract, as far as Aedes calls it here. */
export interface Persistence {
  setup(broker: unknown): Promise<void>
  subscriptionsByClient(client: { id: string }): Thenable<SubscriptionRequest[]>
  cleanSubscriptions(client: { id: string }): Thenable<unknown>
  outgoingStream(client: { id: string }): AsyncIterable<PublishPacket>
  putWill(client: { id: string }, will: PublishPacket): Thenable<unknown>
  delWill(client: { id: string }): Thenable<unknown>
  streamWill(): AsyncIterable<PublishPacket>
  countSessions: CountSessions
}
