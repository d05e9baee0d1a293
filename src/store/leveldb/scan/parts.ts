// A question about many topics, cut into parts that threads answer side by side.

import type { TopicSet } from './jobs.ts'

/** What one thread is to do. */
export interface Part<Job> {
  thread: number
  job: Job
}

/** Topics that stand together go to one thread: so do their records on the disk. */
const stretchTopics = 16

/**
 * The places of topics in `topics`, for each of so many threads; the same topic always goes to the same, which keeps what it
 * has read. Topics of a group (`groupOf`; they stand together) are not parted.
 */
export function placesByThread({ ids }: TopicSet, groupOf: Uint32Array | null, threads: number): number[][] {
  const parts = Array.from({ length: threads }, (): number[] => [])
  let group = -1
  let thread = 0
  for (const [place, id] of ids.entries()) {
    if (groupOf === null || groupOf[place] !== group) thread = Math.floor(id / stretchTopics) % threads
    group = groupOf?.[place] ?? -1
    parts[thread]!.push(place)
  }
  return parts
}

/** The topics at some places of a set. */
export function topicsAt({ ids, heads, isOrdered }: TopicSet, places: readonly number[]): TopicSet {
  const epochs = ids.length === 0 ? 0 : heads.length / ids.length
  const some: TopicSet = {
    ids: Uint32Array.from(places, (place) => ids[place]!),
    heads: new Int32Array(places.length * epochs),
    isOrdered: new Uint8Array(places.length * epochs),
  }
  let to = 0
  for (const place of places) {
    for (let from = place * epochs; from < (place + 1) * epochs; from++) {
      some.heads[to] = heads[from]!
      some.isOrdered[to++] = isOrdered[from]!
    }
  }
  return some
}

/** `partOf` makes the job of some places; threads without any get none. */
export function partsOf<Job>(
  places: readonly (readonly number[])[],
  partOf: (places: readonly number[]) => Job,
): Part<Job>[] {
  return places.flatMap((own, thread) => (own.length === 0 ? [] : [{ thread, job: partOf(own) }]))
}
