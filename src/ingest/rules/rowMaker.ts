// Makes stored rows again in the thread that reads them: the same as `remakeReadings`, without an object for what need not be
// looked at.

import type { Cleaned, Fields } from '../../domain/reading.ts'
import type { MadeRows, RowMaker, StoredRows } from '../../store/remaker.ts'
import { applyToLayout } from './apply.ts'
import type { publishOf } from './reprocess.ts'
import type { RowMakerData } from './rowMakerModule.ts'
import { noRuleFiles } from './ruleFiles.ts'
import { createRuleSet } from './ruleSet.ts'
import { createTrial } from './trial.ts'

/** A fault of a rule is in the refusal of the reading; ingest, which runs the same rules, logs it. */
export function createRowMaker(data: unknown): RowMaker {
  const { source, onlyRefused } = data as RowMakerData
  const set = createRuleSet(source.text, { ...source, files: noRuleFiles })
  const clean = createTrial(() => set)
  return {
    make(rows) {
      const made = new Made(rows.count)
      const { topic, bytes, offsets, lengths } = rows
      const applying = topic.startsWith('spBv1.0/') ? null : set.rulesFor(topic)
      for (let row = 0; row < rows.count; row++) {
        if (!rows.isAsked(row)) continue
        const { cleaned } = rows.capture(row)
        if (onlyRefused && !cleaned?.refused) continue
        const from = offsets[row] as number
        const simple =
          applying && cleaned?.record === undefined
            ? applyToLayout(applying, bytes, from, from + (lengths[row] as number))
            : null
        if (simple) {
          made.set(row, simple.fields, simple.cleaned, {
            cleaned,
            hadFields: rows.fieldsText(row).length > 0,
          })
          continue
        }
        const reading = readingAt(rows, row)
        const parts = standsAlone(rows, row, cleaned) ? clean(reading) : []
        if (parts instanceof Promise) throw new TypeError('a rule with `transform` is not for this thread')
        const [only] = parts
        if (!only || parts.length > 1 || only.cleaned?.record !== undefined) made.left++
        else made.set(row, only.fields, only.cleaned, { cleaned, hadFields: rows.fieldsText(row).length > 0 })
      }
      return made
    },
  }
}

function readingAt(rows: StoredRows, row: number): ReturnType<typeof publishOf> {
  const { source, clientId, user, qos, retain, dup, properties } = rows.capture(row)
  return {
    topic: rows.topic,
    time: rows.times[row] as number,
    receivedAt: rows.receivedAt[row] as number,
    source,
    clientId,
    user,
    qos,
    retain,
    dup,
    properties,
    payload: rows.payload(row),
    fields: null,
  }
}

/** Whether all that its fields are made of is in its payload, as in `remakeReadings`. */
function standsAlone(rows: StoredRows, row: number, cleaned: Cleaned | undefined): boolean {
  if (cleaned?.record !== undefined || rows.topic.startsWith('spBv1.0/')) return false
  // `{}` has no member: two bytes.
  return rows.payload(row).length > 0 || rows.fieldsText(row).length <= 2
}

class Made implements MadeRows {
  readonly places: Int32Array
  readonly cleaned: (Cleaned | undefined)[] = []
  readonly fields = new Map<number, Fields>()
  left = 0
  readonly #places = new Map<string, number>()
  /** Neighbours mostly have the very same object, before and after. */
  #last: { cleaned: Cleaned | undefined; text: string; place: number } | null = null
  #before: { cleaned: Cleaned | undefined; text: string } | null = null

  constructor(count: number) {
    this.places = new Int32Array(count).fill(-1)
  }

  set(
    row: number,
    fields: Fields | null,
    cleaned: Cleaned | undefined,
    before: { cleaned: Cleaned | undefined; hadFields: boolean },
  ): void {
    const { text, place } = this.#placeOf(cleaned)
    if (fields === null && !before.hadFields && this.#textBefore(before.cleaned) === text) return
    this.places[row] = place
    if (fields !== null) this.fields.set(row, fields)
  }

  #placeOf(cleaned: Cleaned | undefined): { text: string; place: number } {
    if (this.#last && this.#last.cleaned === cleaned) return this.#last
    const text = spelled(cleaned)
    let place = this.#places.get(text)
    if (place === undefined) {
      place = this.cleaned.push(cleaned) - 1
      this.#places.set(text, place)
    }
    this.#last = { cleaned, text, place }
    return this.#last
  }

  #textBefore(cleaned: Cleaned | undefined): string {
    if (!this.#before || this.#before.cleaned !== cleaned) this.#before = { cleaned, text: spelled(cleaned) }
    return this.#before.text
  }
}

const spelled = (cleaned: Cleaned | undefined): string => JSON.stringify(cleaned) ?? ''
