// What the server's keeper may see of the broker, and do: who is connected or known, what is retained, disconnect a client.

import type { BrokerClient, Flow } from './client.ts'
import type { Message } from './message.ts'
import type { Presence, PresenceEvent, PresenceQuery } from './presence.ts'
import type { SessionRegistry } from './sessions/registry.ts'
import { dismiss } from './wire/answers.ts'

/** A client that is connected, or whose session is kept for it. */
export interface KnownClient {
  id: string
  isConnected: boolean
  /** `null`: anonymous, or not seen since the server started. */
  user: string | null
  address: string | null
  /** 3 (MQTT 3.1), 4 (3.1.1) or 5; `null` while it is not connected. */
  protocolVersion: number | null
  /** Milliseconds since 1970. */
  connectedAt: number | null
  subscriptions: { topic: string; qos: 0 | 1 | 2 }[]
  /** Messages kept for it. */
  queued: number
  /** Since it connected. */
  flow: Flow
  /** When it came or went last. */
  lastSeen: number | null
}

export interface BrokerView {
  clients(): KnownClient[]
  /** Connects and disconnects. */
  presence(query: PresenceQuery): PresenceEvent[]
  /** False: there is no client of that name connected. */
  disconnect(id: string): boolean
  /** Retained messages a filter matches. */
  retained(filter: string): Pick<Message, 'topic' | 'payload' | 'qos' | 'clientId'>[]
}

/** Ended by the keeper [MQTT-3.14.2.1]: administrative action. */
const administrativeAction = 0x98
const noFlow: Flow = { messagesIn: 0, bytesIn: 0, messagesOut: 0, bytesOut: 0 }

interface Deps {
  connected: () => readonly BrokerClient[]
  registry: SessionRegistry
  presence: Presence
}

export function createView({ connected, registry, presence }: Deps): BrokerView {
  return {
    clients() {
      const clients = new Map(connected().map((client) => [client.id, client]))
      const sessions = new Map([...registry.all()].map((session) => [session.id, session]))
      const ids = [...new Set([...clients.keys(), ...sessions.keys()])].sort()
      return ids.map((id) => {
        const client = clients.get(id)
        const session = sessions.get(id)
        const principal = client?.amber.principal ?? session?.principal ?? null
        return {
          id,
          isConnected: client !== undefined,
          user: principal?.name ?? null,
          address: client?.amber.remoteAddress ?? null,
          protocolVersion: client?.version ?? null,
          connectedAt: client?.amber.connectedAt ?? null,
          subscriptions: [...(session?.subscriptions.values() ?? [])].map(({ topic, qos }) => ({
            topic,
            qos,
          })),
          queued: session?.outbox.count ?? 0,
          flow: { ...(client?.amber.flow ?? noFlow) },
          lastSeen: presence.lastSeen(id),
        }
      })
    },
    disconnect(id) {
      const client = connected().find((one) => one.id === id)
      if (client === undefined) return false
      dismiss(client, administrativeAction)
      return true
    },
    presence: (query) => presence.events(query),
    retained: (filter) => registry.retainedFor(filter, Date.now()),
  }
}
