// Who is connected or known, what they send and are owed, and when they came and went.

import { useSignal } from '@preact/signals'
import { ask } from '../api.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { attempt } from '../parts/toast.tsx'
import { now, usePoll } from '../poll.ts'
import { formatBytes, formatCount, formatDuration, formatTime, harmless, plural, zoneName } from '../words.ts'
import { spanOf } from './stays.ts'
import { EventList, Timeline } from './timeline.tsx'

export interface Client {
  id: string
  connected: boolean
  user: string | null
  address: string | null
  protocol: string | null
  since: string | null
  subscriptions: { topic: string; qos: number }[]
  queued: number
  messages_in: number
  bytes_in: number
  messages_out: number
  bytes_out: number
  last_seen: string | null
}

export interface PresenceEvent {
  time: string
  client_id: string
  event: 'connected' | 'disconnected'
  reason: string | null
  user: string | null
  address: string
  protocol: string
}

interface Loaded {
  /** Connected, known, and those that were there in the last day. */
  clients: Client[]
  kept: number
  /** How much time the bars show. */
  spanMs: number
  hasMore: boolean
  events: Map<string, PresenceEvent[]>
}

const everyMs = 2000

async function load(): Promise<Loaded> {
  const [clients, presence] = await Promise.all([
    ask<{ data: Client[]; page: { has_more: boolean } }>('/api/v1/clients'),
    ask<{ data: PresenceEvent[] }>('/api/v1/presence?from=-1d'),
  ])
  const events = new Map<string, PresenceEvent[]>()
  const gone: Client[] = []
  const known = new Set(clients.data.map(({ id }) => id))
  for (const event of presence.data)
    events.set(event.client_id, [...(events.get(event.client_id) ?? []), event])
  for (const [id, [last]] of events) if (!known.has(id) && last !== undefined) gone.push(goneClient(last))
  const kept = clients.data.filter(({ connected }) => !connected).length
  const starts = [
    ...clients.data.flatMap(({ since }) => since ?? []),
    ...presence.data.map(({ time }) => time),
  ]
  const spanMs = spanOf(starts, Date.now())
  return { clients: [...clients.data, ...gone], kept, spanMs, hasMore: clients.page.has_more, events }
}

/** One that went and left no session. */
function goneClient({ client_id: id, user, address, time }: PresenceEvent): Client {
  const nothing = { queued: 0, messages_in: 0, bytes_in: 0, messages_out: 0, bytes_out: 0 }
  return {
    id,
    connected: false,
    user,
    address,
    protocol: null,
    since: null,
    subscriptions: [],
    last_seen: time,
    ...nothing,
  }
}

export function ClientsPage() {
  const { data, fault, refresh } = usePoll(load, everyMs)
  const search = useSignal('')
  const open = useSignal<string | null>(null)
  const leaving = useSignal<string | null>(null)
  const loaded = data.value
  if (fault.value !== null && loaded === null) return <p class="notice bad">{fault.value}</p>
  if (loaded === null) return <p class="quiet">Loading…</p>
  const wanted = search.value.toLowerCase()
  const fits = ({ id, user, address }: Client): boolean =>
    [id, user ?? '', address ?? ''].some((text) => text.toLowerCase().includes(wanted))
  const shown = loaded.clients.filter(fits).sort((a, b) => Number(b.connected) - Number(a.connected))
  const connected = loaded.clients.filter((one) => one.connected).length
  return (
    <section class="page">
      <div class="head">
        <h1>Clients</h1>
        <p class="quiet">
          {plural(connected, 'client')} connected, {formatCount(loaded.kept)} away with a session kept; the
          bars show the last {formatDuration(loaded.spanMs)}
        </p>
        <input
          type="search"
          placeholder="Name, user or address"
          aria-label="Search clients"
          value={search.value}
          onInput={(event) => (search.value = event.currentTarget.value)}
        />
      </div>
      {fault.value === null ? null : <p class="notice bad">{fault.value}</p>}
      {shown.length === 0 ? (
        <p class="card quiet">
          {loaded.clients.length === 0 ? 'Nobody has connected yet.' : 'No client fits.'}
        </p>
      ) : (
        <ul class="rows" aria-label="Clients">
          {shown.map((client) => (
            <Row
              key={client.id}
              client={client}
              events={loaded.events.get(client.id) ?? []}
              spanMs={loaded.spanMs}
              isOpen={open.value === client.id}
              onToggle={() => (open.value = open.value === client.id ? null : client.id)}
              onDisconnect={() => (leaving.value = client.id)}
            />
          ))}
        </ul>
      )}
      {loaded.hasMore ? (
        <p class="quiet">The first {formatCount(shown.length)} are shown. The API lists all of them.</p>
      ) : null}
      {leaving.value === null ? null : (
        <Disconnect id={leaving.value} onDone={refresh} onClose={() => (leaving.value = null)} />
      )}
    </section>
  )
}

function Disconnect({ id, onDone, onClose }: { id: string; onDone: () => void; onClose: () => void }) {
  const end = async (): Promise<void> => {
    await attempt(
      () => ask(`/api/v1/clients/${encodeURIComponent(id)}`, { method: 'DELETE' }),
      `${harmless(id, 60)} was disconnected.`,
    )
    onDone()
  }
  return (
    <Confirm
      title="Disconnect"
      text={
        <>
          <bdi>{harmless(id)}</bdi> is disconnected. Its session stays, and it may connect again at once.
        </>
      }
      action="Disconnect"
      onYes={() => void end()}
      onClose={onClose}
    />
  )
}

interface RowProps {
  client: Client
  events: PresenceEvent[]
  spanMs: number
  isOpen: boolean
  onToggle: () => void
  onDisconnect: () => void
}

function Row({ client, events, spanMs, isOpen, onToggle, onDisconnect }: RowProps) {
  const { id, connected, user } = client
  return (
    <li class={isOpen ? 'row open' : 'row'}>
      <button type="button" class="row-head client-head" aria-expanded={isOpen} onClick={onToggle}>
        <span class="client-name">
          <span class={connected ? 'dot good' : 'dot'} aria-hidden="true" />
          <span>
            <strong>
              <bdi>{harmless(id, 120)}</bdi>
            </strong>{' '}
            <span class="visually-hidden">{connected ? 'connected' : 'away'}</span>{' '}
            <span class="quiet">{user === null ? 'anonymous' : <bdi>{harmless(user, 60)}</bdi>}</span>
          </span>
        </span>
        <Timeline client={client} events={events} spanMs={spanMs} />
        <span class="client-figures">
          <span title={`${formatBytes(client.bytes_in)} of payload`}>
            <span class="quiet">in</span> {formatCount(client.messages_in)}
          </span>
          <span title={`${formatBytes(client.bytes_out)} of payload`}>
            <span class="quiet">out</span> {formatCount(client.messages_out)}
          </span>
          <span class={client.queued > 0 ? 'warn-text' : ''}>
            <span class="quiet">queued</span> {formatCount(client.queued)}
          </span>
        </span>
        <Icon name="chevron" />
      </button>
      {isOpen ? <Details client={client} events={events} onDisconnect={onDisconnect} /> : null}
    </li>
  )
}

function Details({ client, events, onDisconnect }: Pick<RowProps, 'client' | 'events' | 'onDisconnect'>) {
  const { connected, address, protocol, since } = client
  return (
    <div class="row-body">
      <dl class="facts">
        <Fact name="Address" value={address === null || address === '' ? '–' : address} />
        <Fact name="Protocol" value={protocol === null ? '–' : `MQTT ${protocol}`} />
        <Fact
          name={connected ? 'Connected since' : 'Last seen'}
          value={sinceText(connected ? since : client.last_seen)}
        />
        <Fact
          name="Payload in and out"
          value={`${formatBytes(client.bytes_in)}, ${formatBytes(client.bytes_out)}`}
        />
      </dl>
      <h2>Subscriptions</h2>
      {client.subscriptions.length === 0 ? (
        <p class="quiet">None.</p>
      ) : (
        <ul class="chips">
          {client.subscriptions.slice(0, 100).map(({ topic, qos }) => (
            <li key={topic}>
              <bdi>{harmless(topic, 200)}</bdi> <span class="quiet">QoS {qos}</span>
            </li>
          ))}
        </ul>
      )}
      <h2>
        Came and went <span class="quiet small">last day, times in {zoneName}</span>
      </h2>
      <EventList events={events} />
      {connected ? (
        <div class="actions">
          <button type="button" class="danger" onClick={onDisconnect}>
            Disconnect…
          </button>
        </div>
      ) : null}
    </div>
  )
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function sinceText(time: string | null): string {
  if (time === null) return 'not since the server started'
  return `${formatTime(time)} (${formatDuration(now.value - Date.parse(time))})`
}
