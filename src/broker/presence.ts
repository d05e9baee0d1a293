// Who came and went, and why: the last connects and disconnects of each client. Bounded twice: events of a client,
// so that one that flaps does not push the others out, and clients, of which those that changed longest ago are forgotten.

import type { AedesBroker, BrokerClient } from './client.ts'

export interface PresenceEvent {
  /** Milliseconds since 1970. */
  time: number
  clientId: string
  event: 'connected' | 'disconnected'
  /** Why it went; `null` for one that came. */
  reason: string | null
  user: string | null
  address: string
  protocolVersion: number
}

export interface PresenceQuery {
  /** One client; all of them without it. */
  clientId?: string
  from: number
  to: number
  limit: number
}

export interface Presence {
  add(event: PresenceEvent): void
  /** Newest first. */
  events(query: PresenceQuery): PresenceEvent[]
  /** When the client came or went last; `null`: not since the start, or forgotten. */
  lastSeen(clientId: string): number | null
  /** The events of each client, oldest first; the client that changed longest ago comes first. */
  byClient(): Iterable<readonly PresenceEvent[]>
}

/** Kept of one client. */
const eventsOfOneMax = 32

export function createPresence({ clientsMax }: { clientsMax: number }): Presence {
  // In the order of their last change.
  const clients = new Map<string, PresenceEvent[]>()
  return {
    add(event) {
      if (clientsMax === 0) return
      const events = clients.get(event.clientId) ?? []
      clients.delete(event.clientId)
      clients.set(event.clientId, events)
      events.push(event)
      if (events.length > eventsOfOneMax) events.shift()
      if (clients.size > clientsMax) clients.delete(clients.keys().next().value as string)
    },
    events({ clientId, from, to, limit }) {
      const all = clientId === undefined ? [...clients.values()].flat() : [...(clients.get(clientId) ?? [])]
      // Those of one millisecond stand as they happened.
      return all
        .filter(({ time }) => time >= from && time < to)
        .reverse()
        .sort((a, b) => b.time - a.time)
        .slice(0, limit)
    },
    lastSeen: (clientId) => clients.get(clientId)?.at(-1)?.time ?? null,
    byClient: () => [...clients.values()],
  }
}

/** Takes note of every client of a broker. */
export function watchPresence<T extends Presence>(aedes: AedesBroker, presence: T): T {
  for (const [name, event] of [
    ['client', 'connected'],
    ['clientDisconnect', 'disconnected'],
  ] as const) {
    aedes.on(name, (client) => presence.add(presenceOf(client as unknown as BrokerClient, event)))
  }
  return presence
}

function presenceOf(client: BrokerClient, event: PresenceEvent['event']): PresenceEvent {
  const { principal, remoteAddress, endReason } = client.amber
  return {
    time: Date.now(),
    clientId: client.id,
    event,
    reason: event === 'connected' ? null : (endReason ?? partingOf(client)),
    user: principal?.name ?? null,
    address: remoteAddress,
    protocolVersion: client.version,
  }
}

/** Of one that the server did not end. */
function partingOf(client: BrokerClient): string {
  return client._disconnected ? 'it disconnected' : 'the connection was lost'
}

/** Why the server ends a connection, by the reason code it gives. */
export function endingOf(reasonCode: number): string {
  return endings[reasonCode] ?? `the server ended the connection (0x${reasonCode.toString(16)})`
}

const endings: Record<number, string> = {
  0x87: 'its login does not hold any more',
  0x8b: 'the server stopped',
  0x8e: 'another connection took over its client id',
  0x98: 'an administrator disconnected it',
}
