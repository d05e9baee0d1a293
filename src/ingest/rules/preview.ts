// Looks at what is stored with rules in mind: what a draft would make of the newest messages, and what the rules in force have
// refused. Nothing is changed by looking.

import type { Fields, NewReading, Reading } from '../../domain/reading.ts'
import type { ReadingStore, TopicFilters } from '../../store/store.ts'
import type { Clean } from '../clean/clean.ts'
import { decodeFields } from '../decode/decode.ts'

export interface PreviewQuery {
  filters: TopicFilters
  mayRead: (topic: string) => boolean
  /** At most this many messages. */
  limit: number
  signal?: AbortSignal
}

export interface Previewed {
  before: Reading
  fieldsBefore: Fields
  /** What the draft stores of it; nothing, or several for the records of one message. */
  after: { reading: NewReading; fields: Fields }[]
  isChanged: boolean
}

const everything = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER, order: 'desc' } as const

/** The newest messages that match, oldest first, as `clean` would store them. */
export async function previewRules(
  { store, clean }: { store: ReadingStore; clean: Clean },
  { limit, ...query }: PreviewQuery,
): Promise<Previewed[]> {
  const messages: Reading[] = []
  search: for await (const chunk of store.range({ ...everything, ...query, limit: limit * recordsMax })) {
    query.signal?.throwIfAborted()
    for (const reading of chunk) {
      if ((reading.cleaned?.record ?? 0) > 0) continue
      messages.push(reading)
      if (messages.length >= limit) break search
    }
  }
  const found: Previewed[] = []
  for (const before of messages.reverse()) {
    const { seq: _seq, cleaned: _cleaned, ...rest } = before
    const made = await clean({ ...rest, time: before.receivedAt, fields: null })
    const after = made.map((reading) => ({ reading, fields: fieldsOf(reading) }))
    const fieldsBefore = fieldsOf(before)
    found.push({ before, fieldsBefore, after, isChanged: isChanged(before, fieldsBefore, after) })
  }
  return found
}

/** Records of one message stand for one message here. */
const recordsMax = 100

function fieldsOf({ fields, topic, payload, cleaned }: NewReading): Fields {
  return (
    (cleaned?.record === 0 ? null : fields) ?? decodeFields(topic, payload) ?? (Object.create(null) as Fields)
  )
}

function isChanged(before: Reading, fieldsBefore: Fields, after: Previewed['after']): boolean {
  const [only] = after
  if (!only || after.length > 1) return after.length !== 1 && before.cleaned?.record === undefined
  const { time, cleaned } = only.reading
  const same = (a: unknown, b: unknown): boolean => textOf(a) === textOf(b)
  return (
    time !== before.time ||
    !same(only.fields, fieldsBefore) ||
    !same(cleaned?.tags, before.cleaned?.tags) ||
    !same(cleaned?.refused, before.cleaned?.refused)
  )
}

function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? '')
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`).join(',')}}`
}

export interface RejectsQuery extends PreviewQuery {
  from: number
  to: number
}

/** Readings the rules refused, newest first, and whether the range was looked through to its end. */
export async function listRejects(
  store: ReadingStore,
  { limit, ...query }: RejectsQuery,
): Promise<{ rejects: Reading[]; isComplete: boolean }> {
  const rejects: Reading[] = []
  let seen = 0
  for await (const chunk of store.range({ order: 'desc', ...query, limit: lookedAtMax })) {
    query.signal?.throwIfAborted()
    for (const reading of chunk) {
      seen++
      if (!reading.cleaned?.refused) continue
      if (rejects.length === limit) return { rejects, isComplete: false }
      rejects.push(reading)
    }
  }
  return { rejects, isComplete: seen < lookedAtMax }
}

/** Readings one listing of rejects looks at. */
const lookedAtMax = 1_000_000
