// The newest reading of each topic as it stood at a time: one step back from there in each topic.

import type { Reading } from '../../domain/reading.ts'
import type { LatestQuery, RangeQuery } from '../store.ts'
import type { TopicTable } from './topics.ts'

export async function latestAsOf(
  range: (query: RangeQuery) => AsyncIterable<Reading[]>,
  topics: TopicTable,
  query: LatestQuery,
): Promise<Reading[]> {
  const to = (query.asOf ?? Number.MAX_SAFE_INTEGER) + 1
  const found: Reading[] = []
  for (const { name } of topics.list({ ...query, limit: Number.POSITIVE_INFINITY })) {
    if (found.length >= query.limit) break
    const ask = { filters: [name], from: Number.MIN_SAFE_INTEGER, to, order: 'desc', limit: 1 } as const
    for await (const [newest] of range(ask)) if (newest) found.push(newest)
    query.signal?.throwIfAborted()
  }
  return found
}
