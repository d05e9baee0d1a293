// What sessions look like in the journal, in the layout of aedes-persistence-level 9.2.0: packets, subscriptions, retained
// messages and wills under its keys, and beside them how long a session lives and how far the log was followed.

import { createRequire } from 'node:module'
import type { PublishProperties } from '../../domain/reading.ts'
import type { Message, Publisher } from '../message.ts'
import type { Entry } from './outbox.ts'
import type { Subscription } from './session.ts'
import type { Staging } from './staging.ts'

/** The part of aedes-persistence-level that is called. */
export interface Durable {
  storeRetained(packet: object): Promise<void>
  createRetainedStream(filter: string): AsyncIterable<RetainedRecord>
  addSubscriptions(client: { id: string }, subscriptions: readonly Subscription[]): Promise<void>
  removeSubscriptions(client: { id: string }, filters: readonly string[]): Promise<void>
  subscriptionsByClient(client: { id: string }): Promise<Subscription[]>
  outgoingEnqueue(subscription: { clientId: string }, packet: EntryRecord): Promise<void>
  outgoingStream(client: { id: string }): AsyncIterable<EntryRecord>
  putWill(client: { id: string }, will: object): Promise<void>
  delWill(client: { id: string }): Promise<unknown>
  streamWill(): AsyncIterable<WillRecord>
}

interface MessageRecord {
  cmd: 'publish' | 'pubrel'
  topic: string
  payload: Uint8Array
  qos: 0 | 1 | 2
  retain: boolean
  clientId: string
  messageExpiry?: number
}

interface PlainRecord extends MessageRecord {
  properties: PublishProperties | null
}

export interface RetainedRecord extends PlainRecord {
  publisher?: Publisher
}

export interface EntryRecord extends MessageRecord {
  brokerId: string
  brokerCounter: number
  /** The one field of a packet that is kept as it is: it carries what else an entry has. */
  properties: {
    sent: PublishProperties | null
    subscriptionIds: readonly number[]
    share: string | null
    messageId: number
    state: Entry['state']
  }
}

/** A will as it is kept for the case that the process ends without a word. */
export interface WillRecord extends PlainRecord {
  user: string | null
  /** Port or path of the listener its client came over; wills of versions before 0.2 have none. */
  listener?: string
  /** Whether its client was allowed to publish it when it was left. */
  allowed: boolean
  delaySeconds: number
}

/** How long a session lives. */
export interface LifeRecord {
  expirySeconds: number
  endsAt: number | null
}

const require = createRequire(import.meta.url)
const Persistence = require('aedes-persistence-level/asyncPersistence.js') as new (db: object) => Durable

/** Made anew for every cut: it keeps a tree of what was subscribed that nobody asks. */
export function createDurable(db: Staging): Durable {
  return new Persistence(db)
}

function messageRecord(message: Message): PlainRecord {
  const { topic, payload, qos, retain, properties, clientId, expiresAt } = message
  const record: PlainRecord = { cmd: 'publish', topic, payload, qos, retain, clientId, properties }
  if (expiresAt !== null) record.messageExpiry = expiresAt
  return record
}

export function retainedRecord(message: Message): RetainedRecord {
  const { publisher } = message
  return { ...messageRecord(message), ...(publisher === undefined ? {} : { publisher }) }
}

export function messageOfRecord(record: RetainedRecord): Message {
  const { topic, payload, qos, retain, properties, clientId, messageExpiry, publisher } = record
  return {
    topic,
    payload: Buffer.from(payload),
    qos,
    retain,
    clientId,
    properties: properties ?? null,
    expiresAt: messageExpiry ?? null,
    publisher,
  }
}

export function entryRecord(entry: Entry): EntryRecord {
  const { message, qos, retain, origin, order, subscriptionIds, share, messageId, state } = entry
  const { properties: sent, ...rest } = messageRecord(message)
  return {
    ...rest,
    cmd: state === 'released' ? 'pubrel' : 'publish',
    qos,
    retain,
    brokerId: origin,
    brokerCounter: order,
    properties: { sent, subscriptionIds, share, messageId, state },
  }
}

/** Takes an entry out, whatever state it is in. */
export async function forgetEntry(staging: Staging, clientId: string, entry: Entry): Promise<void> {
  const order = entry.order.toString().padStart(16, '0')
  await staging.del(`outgoing:${encodeURIComponent(clientId)}:${entry.origin}:${order}`)
}

const lifeKey = (id: string): string => `session:${encodeURIComponent(id)}`

export async function writeLife(
  staging: Staging,
  { id, expirySeconds, endsAt }: LifeRecord & { id: string },
): Promise<void> {
  const record: LifeRecord = { expirySeconds, endsAt }
  await staging.put(lifeKey(id), Buffer.from(JSON.stringify(record)))
}

export async function forgetLife(staging: Staging, id: string): Promise<void> {
  await staging.del(lifeKey(id))
}

export async function readLife(staging: Staging, id: string): Promise<LifeRecord | null> {
  const bytes = await staging.get(lifeKey(id))
  return bytes === undefined ? null : (JSON.parse(bytes.toString()) as LifeRecord)
}

/** Ids of all sessions there is anything of. */
export async function sessionIds(staging: Staging): Promise<Set<string>> {
  const ids = new Set<string>()
  for (const kind of ['session', 'subscriptions', 'outgoing']) {
    for await (const key of staging.keys({ gte: `${kind}:`, lt: `${kind};` })) {
      ids.add(decodeURIComponent(key.split(':')[1] ?? ''))
    }
  }
  return ids
}

const followedKey = 'followed'

/** Number of the last reading whose effects are in the journal; `null` in a new one. */
export async function readFollowed(staging: Staging): Promise<number | null> {
  const bytes = await staging.get(followedKey)
  return bytes === undefined ? null : Number(bytes.toString())
}

export async function writeFollowed(staging: Staging, seq: number): Promise<void> {
  await staging.put(followedKey, Buffer.from(String(seq)))
}
