// $SYS/broker/… as a table: the topic, what it says, and for rates what is averaged. The names are Mosquitto's.

import type { Traffic } from './traffic.ts'

/** What the broker holds at one moment. */
export interface Holdings {
  uptimeS: number
  connected: number
  /** Sessions kept for clients that are not connected. */
  disconnected: number
  subscriptions: number
  sharedSubscriptions: number
  retained: number
  /** Messages kept: retained ones and those queued for sessions. */
  kept: number
  keptBytes: number
  /** Publishes not delivered, for whatever reason. */
  dropped: number
  heap: number
  heapMax: number
}

export interface SysRow {
  /** Below `$SYS/broker/`. */
  topic: string
  value: (holdings: Holdings, traffic: Traffic) => number
}

export const sysRows: readonly SysRow[] = [
  { topic: 'clients/total', value: (holdings) => holdings.connected + holdings.disconnected },
  { topic: 'clients/maximum', value: (_, traffic) => traffic.clientsMax },
  { topic: 'clients/active', value: (holdings) => holdings.connected },
  { topic: 'clients/connected', value: (holdings) => holdings.connected },
  { topic: 'clients/inactive', value: (holdings) => holdings.disconnected },
  { topic: 'clients/disconnected', value: (holdings) => holdings.disconnected },
  { topic: 'clients/expired', value: (_, traffic) => traffic.expired },
  { topic: 'messages/received', value: (_, traffic) => traffic.messagesReceived },
  { topic: 'messages/sent', value: (_, traffic) => traffic.messagesSent },
  { topic: 'messages/stored', value: (holdings) => holdings.kept },
  { topic: 'store/messages/count', value: (holdings) => holdings.kept },
  { topic: 'store/messages/bytes', value: (holdings) => holdings.keptBytes },
  { topic: 'publish/messages/received', value: (_, traffic) => traffic.publishReceived },
  { topic: 'publish/messages/sent', value: (_, traffic) => traffic.publishSent },
  { topic: 'publish/messages/dropped', value: (holdings) => holdings.dropped },
  { topic: 'publish/bytes/received', value: (_, traffic) => traffic.publishBytesReceived },
  { topic: 'publish/bytes/sent', value: (_, traffic) => traffic.publishBytesSent },
  { topic: 'bytes/received', value: (_, traffic) => traffic.bytesReceived },
  { topic: 'bytes/sent', value: (_, traffic) => traffic.bytesSent },
  { topic: 'subscriptions/count', value: (holdings) => holdings.subscriptions },
  { topic: 'shared_subscriptions/count', value: (holdings) => holdings.sharedSubscriptions },
  { topic: 'retained messages/count', value: (holdings) => holdings.retained },
  { topic: 'heap/current', value: (holdings) => holdings.heap },
  { topic: 'heap/maximum', value: (holdings) => holdings.heapMax },
]

/** Counters whose rate a minute is told over 1, 5 and 15 minutes, as `$SYS/broker/load/NAME/1min`. */
export const loadRows: readonly SysRow[] = [
  { topic: 'messages/received', value: (_, traffic) => traffic.messagesReceived },
  { topic: 'messages/sent', value: (_, traffic) => traffic.messagesSent },
  { topic: 'publish/received', value: (_, traffic) => traffic.publishReceived },
  { topic: 'publish/sent', value: (_, traffic) => traffic.publishSent },
  { topic: 'publish/dropped', value: (holdings) => holdings.dropped },
  { topic: 'bytes/received', value: (_, traffic) => traffic.bytesReceived },
  { topic: 'bytes/sent', value: (_, traffic) => traffic.bytesSent },
  { topic: 'sockets', value: (_, traffic) => traffic.sockets },
  { topic: 'connections', value: (_, traffic) => traffic.connections },
]
