// Readings that are durable in the log but not yet in blocks: rows by topic, in memory, for one epoch.

import { byTime, type Row } from './row.ts'

export class HotRows {
  readonly #byTopic = new Map<number, Row[]>()
  /** First numbers of the log segments that hold these rows. */
  readonly segments: number[] = []
  count = 0
  bytes = 0

  add(row: Row): void {
    const rows = this.#byTopic.get(row.topicId)
    if (rows) rows.push(row)
    else this.#byTopic.set(row.topicId, [row])
    this.count++
    this.bytes += row.payload.length + row.fields.length + 64
  }

  /** Takes over another epoch's rows and segments. */
  addAll(other: HotRows): void {
    for (const rows of other.#byTopic.values()) for (const row of rows) this.add(row)
    this.segments.push(...other.segments)
  }

  topicIds(): number[] {
    return [...this.#byTopic.keys()]
  }

  /** The rows of a topic in (time, seq) order: a new array. */
  sorted(topicId: number): Row[] {
    return [...(this.#byTopic.get(topicId) ?? [])].sort(byTime)
  }
}
