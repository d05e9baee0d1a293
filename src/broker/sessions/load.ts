// The journal back into memory, and then the log: every reading that came after the last cut has its effect on retained
// messages and on the queues again, so that nothing acknowledged is missing after a kill.

import type { ReadingStore } from '../../store/store.ts'
import { isExpired, type Message, messageOf } from '../message.ts'
import { bytesOf, type Entry } from './outbox.ts'
import {
  createDurable,
  type Durable,
  type EntryRecord,
  type LifeRecord,
  messageOfRecord,
  readLife,
  sessionIds,
} from './records.ts'
import type { SessionRegistry } from './registry.ts'
import { neverExpires, type Session } from './session.ts'
import type { Staging } from './staging.ts'

/** Fills the registry. */
export async function loadJournal(registry: SessionRegistry, staging: Staging, now: number): Promise<void> {
  const durable = createDurable(staging)
  for (const all of ['#', '$SYS/#']) {
    for await (const record of durable.createRetainedStream(all)) {
      const message = messageOfRecord(record)
      if (isExpired(message, now)) registry.retain({ ...message, payload: Buffer.alloc(0) })
      else registry.retained.set(message)
    }
  }
  for (const id of await sessionIds(staging)) {
    await loadSession(registry, durable, id, await readLife(staging, id), now)
  }
  for await (const will of durable.streamWill()) {
    registry.putWill(will.clientId, { ...will, payload: Buffer.from(will.payload) })
  }
}

async function loadSession(
  registry: SessionRegistry,
  durable: Durable,
  id: string,
  life: LifeRecord | null,
  now: number,
): Promise<void> {
  const expirySeconds = life?.expirySeconds ?? 1
  const session = registry.restore(id, expirySeconds, endOf(life, now))
  for (const subscription of await durable.subscriptionsByClient({ id })) {
    registry.subscriptions.add(session, subscription)
  }
  const entries: Entry[] = []
  for await (const record of durable.outgoingStream({ id })) entries.push(entryOf(session, record))
  entries.sort((a, b) => a.order - b.order)
  for (const entry of entries) registry.restoreEntry(session, entry)
  // A session without a life ended with its connection; a kill came before what was left of it went.
  if (life === null || (session.endsAt !== null && session.endsAt <= now)) registry.end(session)
  else registry.touchLife(session)
}

/** One that was connected when the process ended has been absent from now on. */
function endOf(life: LifeRecord | null, now: number): number | null {
  if (life === null || life.expirySeconds >= neverExpires) return null
  return life.endsAt ?? now + life.expirySeconds * 1000
}

function entryOf(session: Session, record: EntryRecord): Entry {
  const { sent, subscriptionIds, share, messageId, state } = record.properties
  const message: Message = messageOfRecord({ ...record, properties: sent })
  return {
    session,
    origin: record.brokerId,
    order: record.brokerCounter,
    message,
    qos: record.qos,
    retain: record.retain,
    subscriptionIds,
    share,
    bytes: bytesOf(message),
    messageId,
    // A number that is on the disk may have been on the wire, too.
    state: state === 'numbered' ? 'sent' : state,
    underWay: false,
    gone: false,
    written: true,
  }
}

/** Routes every reading after number `seq` again, and says of each that it was. */
export async function followLog(
  store: Pick<ReadingStore, 'since'>,
  seq: number,
  { route, follow }: { route: (message: Message) => void; follow: (seq: number) => void },
): Promise<void> {
  for await (const readings of store.since(seq)) {
    for (const reading of readings) {
      // What was imported was never sent to anybody; further records of a message have no payload of their own.
      const isSent = reading.source !== 'import' && !reading.cleaned?.record
      if (isSent) route(messageOf(reading))
      follow(reading.seq)
    }
  }
}
