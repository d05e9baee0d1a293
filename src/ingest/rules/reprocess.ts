// What stored readings would be under other rules: the fields, tags, units and marks that the rules make of the payload now. Time,
// number and payload of a reading stay, and so does how a message was divided into readings.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Cleaned, NewReading, Reading } from '../../domain/reading.ts'
import type { Remade, Remaking } from '../../store/remaker.ts'
import type { Clean } from '../clean/clean.ts'

/** The main thread works this long before it lets others in. */
const turnMs = 4

/** What is to be stored of each reading; `null`: it stays as it is. */
export async function remakeReadings(
  { clean, onlyRefused }: { clean: Clean; onlyRefused: boolean },
  readings: readonly Reading[],
): Promise<Remaking> {
  const made: (Remade | null)[] = []
  let left = 0
  let turn = performance.now()
  const [before, after] = [createTexts(), createTexts()]
  for (const reading of readings) {
    if (onlyRefused && !reading.cleaned?.refused) made.push(null)
    else if (standsAlone(reading)) {
      const cleaning = clean(publishOf(reading))
      const parts = cleaning instanceof Promise ? await cleaning : cleaning
      const [only] = parts
      const isOne = parts.length === 1 && only?.cleaned?.record === undefined
      if (!isOne) left++
      made.push(isOne && only ? changeOf(before(reading.cleaned), reading, after(only.cleaned), only) : null)
    } else {
      left++
      made.push(null)
    }
    if (performance.now() - turn < turnMs) continue
    await nextTurn()
    turn = performance.now()
  }
  return { made, left }
}

/** The reading as it was published. Written out: copies by spread cost as much as the rules. */
export function publishOf(reading: Omit<Reading, 'seq' | 'fields'>): NewReading {
  const { topic, time, receivedAt, source, clientId, user, qos, retain, dup, properties, payload } = reading
  return {
    topic,
    time,
    receivedAt,
    source,
    clientId,
    user,
    qos,
    retain,
    dup,
    properties,
    payload,
    fields: null,
  }
}

/** Whether all that its fields are made of is in its payload. */
function standsAlone({ topic, payload, fields, cleaned }: Reading): boolean {
  // A record has its payload in another reading; what a Sparkplug alias means is in another topic's; a rule with
  // `store: fields` has kept no payload.
  if (cleaned?.record !== undefined || topic.startsWith('spBv1.0/')) return false
  return payload.length > 0 || fields === null || Object.keys(fields).length === 0
}

function changeOf(
  before: Spelled,
  reading: Reading,
  { text, cleaned }: Spelled,
  { fields }: NewReading,
): Remade | null {
  if (reading.fields === null && fields === null && before.text === text) return null
  return cleaned ? { fields, cleaned } : { fields }
}

/** What cleaning says beside the fields, and its text. */
interface Spelled {
  cleaned: Cleaned | undefined
  text: string
}

/** Neighbours mostly say the same: then they share one object, which need not be spelled again. */
function createTexts(): (cleaned: Cleaned | undefined) => Spelled {
  let last: Spelled = { cleaned: undefined, text: '' }
  return (cleaned) => {
    if (cleaned === last.cleaned) return last
    const text = JSON.stringify(cleaned) ?? ''
    if (text !== last.text) last = { cleaned, text }
    return last
  }
}
