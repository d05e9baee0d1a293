// What one session is owed: messages that wait, in order, and messages under way by packet id. Waiting retained messages are
// one element for a whole SUBSCRIBE, made into entries when their turn comes.

import type { Message } from '../message.ts'
import type { MayStay } from '../retainSource.ts'
import type { Session } from './session.ts'

/** One message for one session. */
export interface Entry {
  readonly session: Session
  /** Which broker gave `order`; the two name the entry in the journal. */
  readonly origin: string
  /** Place in the order of all that was queued. */
  readonly order: number
  readonly message: Message
  readonly qos: 0 | 1 | 2
  /** The flag as this subscriber sees it. */
  readonly retain: boolean
  readonly subscriptionIds: readonly number[]
  /** The shared subscription it was taken from. */
  readonly share: string | null
  readonly bytes: number
  messageId: number
  /** `released`: the subscriber has it, PUBREL is due or sent. */
  state: 'waiting' | 'numbered' | 'sent' | 'released'
  /** It is on the wire of the connection there is now. */
  underWay: boolean
  /** No longer owed. */
  gone: boolean
  /** The journal holds it. */
  written: boolean
}

/** Retained messages that answer a subscription. */
export interface Cursor {
  readonly filter: string
  /** Found as they are asked for. */
  readonly messages: Iterator<Message>
  /** Whether one may still be sent. */
  readonly mayStay: MayStay
  readonly qos: 0 | 1 | 2
  readonly subscriptionIds: readonly number[]
  gone: boolean
}

const entryBytes = 100

export function bytesOf(message: Message): number {
  return entryBytes + message.topic.length + message.payload.length
}

export class Outbox {
  #waiting: (Entry | Cursor)[] = []
  #head = 0
  #waitingCount = 0
  #bytes = 0
  #retainedTaken = 0
  readonly #cursors = new Map<string, Cursor>()
  readonly #numbered = new Map<number, Entry>()
  #nextId = 1

  /** Messages that count against the limits. */
  get count(): number {
    return this.#waitingCount + this.#numbered.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether something must go out before what comes next, because it is older. */
  get hasRetained(): boolean {
    return this.#cursors.size > 0
  }

  /** Retained messages taken so far, whether they were sent or not. */
  get retainedTaken(): number {
    return this.#retainedTaken
  }

  push(entry: Entry): void {
    this.#waiting.push(entry)
    this.#waitingCount++
    this.#bytes += entry.bytes
  }

  /** A second SUBSCRIBE to the same filter takes the place of what the first has left. */
  pushRetained(cursor: Cursor): void {
    const before = this.#cursors.get(cursor.filter)
    if (before) this.#finish(before)
    this.#cursors.set(cursor.filter, cursor)
    this.#waiting.push(cursor)
  }

  /** The next one that waits; it stays. */
  peek(): Entry | Cursor | null {
    for (; this.#head < this.#waiting.length; this.#head++) {
      const next = this.#waiting[this.#head] as Entry | Cursor
      if (!next.gone) return next
    }
    this.#waiting = []
    this.#head = 0
    return null
  }

  /** Takes the next message of a cursor. */
  advance(cursor: Cursor): Message | null {
    const next = cursor.messages.next()
    this.#retainedTaken++
    if (next.done !== true) return next.value
    this.#finish(cursor)
    return null
  }

  /** Gives an entry that waits, or one out of a cursor, its packet id; `false` when all ids are in use. */
  number(entry: Entry): boolean {
    if (this.#numbered.size >= 65_535) return false
    while (this.#numbered.has(this.#nextId)) this.#nextId = (this.#nextId % 65_535) + 1
    this.place(entry, this.#nextId)
    this.#nextId = (this.#nextId % 65_535) + 1
    return true
  }

  /** Puts an entry under a given id, as the journal remembers it. */
  place(entry: Entry, messageId: number): void {
    entry.messageId = messageId
    if (entry.state === 'waiting') entry.state = 'numbered'
    this.#numbered.set(messageId, entry)
    this.#bytes += entry.bytes
  }

  byId(messageId: number): Entry | null {
    return this.#numbered.get(messageId) ?? null
  }

  /** Takes the head of the queue out of it, to be numbered or sent. */
  shift(entry: Entry): void {
    this.#head++
    this.#waitingCount--
    this.#bytes -= entry.bytes
    if (this.#head < 1024 || this.#head * 2 < this.#waiting.length) return
    this.#waiting = this.#waiting.slice(this.#head)
    this.#head = 0
  }

  /** An entry is no longer owed. */
  remove(entry: Entry): void {
    if (entry.gone) return
    entry.gone = true
    this.#bytes -= entry.bytes
    if (this.#numbered.get(entry.messageId) === entry) this.#numbered.delete(entry.messageId)
    else this.#waitingCount--
  }

  /** Entries with a packet id, in the order they got it. */
  numbered(): Entry[] {
    return [...this.#numbered.values()]
  }

  /** Everything owed but retained messages not yet taken, in order. */
  entries(): Entry[] {
    const waiting = this.#waiting
      .slice(this.#head)
      .filter((item) => !item.gone && 'message' in item) as Entry[]
    return [...this.numbered(), ...waiting].sort((a, b) => a.order - b.order)
  }

  /** What has no connection to go to: retained answers, and QoS 0 that waited behind them. */
  dropUnkept(): void {
    for (const item of this.#waiting.slice(this.#head)) {
      if (item.gone) continue
      if (!('message' in item)) this.#finish(item)
      else if (item.qos === 0) this.remove(item)
    }
  }

  #finish(cursor: Cursor): void {
    cursor.gone = true
    if (this.#cursors.get(cursor.filter) === cursor) this.#cursors.delete(cursor.filter)
  }
}
