// Readings by number instead of by time: what a projection of the log (sessions, retained messages) has missed. Blocks name
// the largest number they hold, so that only those that were written since are opened.

import type { Reading } from '../../domain/reading.ts'
import type { Database } from './database.ts'
import type { HotRows } from './hot.ts'
import { readBlock } from './roll.ts'
import type { Row } from './row.ts'
import type { Topic } from './topics.ts'

/** Everything that holds rows, as it stands in one tick. */
export interface Sources {
  db: Database
  hot: readonly HotRows[]
  topics: readonly Topic[]
  snapshot: ReturnType<Database['snapshot']>
}

interface Found {
  topic: Topic
  row: Row
}

const chunkRows = 10_000

/** Every reading with a number above `seq`, by number; holds two chunks at most. */
export async function* readingsSince(
  look: () => Sources,
  seq: number,
  toReading: (topic: Topic, row: Row) => Reading,
): AsyncGenerator<Reading[]> {
  for (let after = seq; ; ) {
    const found = rowsSince(look(), after, chunkRows)
    const last = found.at(-1)
    if (!last) return
    yield found.map(({ topic, row }) => toReading(topic, row))
    after = last.row.seq
  }
}

/** The first `limit` rows with a number above `seq`, by number. */
function rowsSince({ db, hot, topics, snapshot }: Sources, seq: number, limit: number): Found[] {
  let found: Found[] = []
  let seqMax = Number.POSITIVE_INFINITY
  const keep = (): void => {
    found.sort((a, b) => a.row.seq - b.row.seq)
    if (found.length <= limit) return
    found = found.slice(0, limit)
    seqMax = found.at(-1)?.row.seq ?? seqMax
  }
  const take = (topic: Topic, rows: readonly Row[]): void => {
    for (const row of rows) if (row.seq > seq && row.seq < seqMax) found.push({ topic, row })
    if (found.length > 2 * limit) keep()
  }
  for (const topic of topics) {
    if (topic.stats.lastSeq <= seq) continue
    for (const entry of topic.blocks) {
      if (entry.seqMax > seq) take(topic, readBlock(db, topic, entry, snapshot))
    }
    for (const epoch of hot) take(topic, epoch.sorted(topic.id))
  }
  keep()
  return found
}
