// The QoS 2 memory of a server [MQTT-4.3.3-10], on the store's receipts: which publish of which client is stored already.
// A publish is in flight until its commit; a second copy waits for the first, so that exactly one reading is made.

import { asAppError, type AppError } from '../../domain/errors.ts'
import type { Receipts as StoreReceipts } from '../../store/store.ts'

type Settled = (error: AppError | null) => void

export interface Receipts {
  /** The mark of one publish: unambiguous for any text of a client id. */
  mark(clientId: string, messageId: number): string
  isStored(mark: string): boolean
  /** True when the caller is the first copy and must store it; else `settled` is called when the first copy is. */
  begin(clientId: string, messageId: number, settled: Settled): boolean
  /** Tells every waiting copy how the first one fared. */
  settle(clientId: string, messageId: number, error: AppError | null): void
  /** PUBREL: forgets the mark durably, then calls `done` with whether there was one. */
  release(clientId: string, messageId: number, done: (error: AppError | null, found: boolean) => void): void
  /** Ids of publishes stored and not yet released. */
  openIds(clientId: string): number[]
  /** A session ended: waits for what is in flight, then forgets all its marks durably. */
  clear(clientId: string, done: Settled): void
}

interface Flights {
  waiting: Map<number, Settled[]>
  idle: (() => void)[]
}

export function createReceipts({ receipts }: { receipts: StoreReceipts }): Receipts {
  const flights = new Map<string, Flights>()

  const mark = (clientId: string, messageId: number): string => `${prefix(clientId)}${messageId}`

  return {
    mark,
    isStored: (text) => receipts.has(text),

    begin(clientId, messageId, settled) {
      let mine = flights.get(clientId)
      if (mine === undefined) {
        mine = { waiting: new Map(), idle: [] }
        flights.set(clientId, mine)
      }
      const copies = mine.waiting.get(messageId)
      if (copies === undefined) {
        mine.waiting.set(messageId, [])
        return true
      }
      copies.push(settled)
      return false
    },

    settle(clientId, messageId, error) {
      const mine = flights.get(clientId)
      const copies = mine?.waiting.get(messageId)
      if (mine === undefined || copies === undefined) return
      mine.waiting.delete(messageId)
      for (const settled of copies) settled(error)
      if (mine.waiting.size > 0) return
      flights.delete(clientId)
      for (const idle of mine.idle) idle()
    },

    release(clientId, messageId, done) {
      const text = mark(clientId, messageId)
      if (!receipts.has(text)) return done(null, false)
      receipts.settle(text, (error) => done(error, true))
    },

    openIds: (clientId) =>
      receipts.list(prefix(clientId)).map((text) => Number(text.slice(prefix(clientId).length))),

    clear(clientId, done) {
      const mine = flights.get(clientId)
      if (mine === undefined) forgetAll(receipts, receipts.list(prefix(clientId)), done)
      else mine.idle.push(() => forgetAll(receipts, receipts.list(prefix(clientId)), done))
    },
  }
}

/** The length first, so that no client id can be read as another one and a packet id. */
function prefix(clientId: string): string {
  return `qos2:${clientId.length}:${clientId}:`
}

function forgetAll(receipts: StoreReceipts, marks: string[], done: Settled): void {
  let left = marks.length
  let failure: AppError | null = null
  if (left === 0) return done(null)
  for (const text of marks) {
    receipts.settle(text, (error) => {
      if (error) failure = asAppError(error)
      left--
      if (left === 0) done(failure)
    })
  }
}
