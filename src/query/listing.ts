// Listings: which topics, on whose behalf, how much of them and from where; and what is wrong with one before the store is asked.

import { AppError } from '../domain/errors.ts'
import { checkFilter, hasWildcard, printable } from '../domain/topic.ts'
import type { TopicFilters } from '../store/store.ts'
import type { Gone } from './ceiling.ts'

/** What every listing is asked: which topics, on whose behalf, how much. */
export interface Listing {
  filters: TopicFilters
  mayRead: (topic: string) => boolean
  limit: number
  cursor?: string | undefined
  /** Waits until this number is durable. */
  minSeq?: number | undefined
  /** Ends the query early: nobody waits for it any more. */
  signal?: Gone
}

export interface LatestListing extends Listing {
  /** A time as `parseTime` reads it: the newest of each topic as it stood then. */
  asOf?: string | undefined
}

export interface TopicsListing extends Listing {
  /** Case-insensitive part of the topic. */
  contains?: string | undefined
}

export interface ReadingsListing extends Listing {
  /** A time as `parseTime` reads it; by default an hour before the end of the range, or before now. */
  from?: string | undefined
  /** Exclusive. By default everything received so far, also what is stamped with a time to come. */
  to?: string | undefined
  order: 'asc' | 'desc'
}

export interface Page<T> {
  rows: T[]
  limit: number
  /** The cursor of the next page; `null` when there is no more. */
  next: string | null
}

/** Rows of one page, and of any answer. */
export interface PageLimits {
  page_rows: number
  query_rows: number
}

/** Throws what is wrong with a listing before the store is asked. */
export function checkListing({ limit, ...listing }: Listing, limits: PageLimits): void {
  const rowsMax = Math.min(limits.page_rows, limits.query_rows)
  if (limit > rowsMax) {
    throw new AppError(
      'query_limit',
      `limit is ${limit}, and a page has at most ${rowsMax} rows; ask for fewer and follow \`next\` (limits.page_rows)`,
      { problems: [{ path: 'limit', message: `at most ${rowsMax}` }] },
    )
  }
  checkReadable(listing)
}

export function checkReadable({ filters, mayRead }: Pick<Listing, 'filters' | 'mayRead'>): void {
  for (const filter of filters) {
    checkFilter(filter)
    if (!hasWildcard(filter) && !mayRead(filter)) {
      throw new AppError('forbidden', `you may not read the topic "${printable(filter)}"`)
    }
  }
}
