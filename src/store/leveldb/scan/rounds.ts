// The blocks of many topics in the order in which a job reads them, a round at a time: while one is worked on, the records of
// the next are read.

import type { PlacedBlock, Sources } from './jobs.ts'

/** Topics `first` to `end` (left out) by their places, and the blocks of each. */
export interface Round {
  first: number
  end: number
  blocks: PlacedBlock[]
  /** Where the blocks of each topic end. */
  ends: number[]
}

const roundBlocks = 256
/** Of topics that have none. */
const roundTopics = 1024

/** Gives what to wait for, then the round. `kinds` is asked which records of a round will be needed. */
export function* rounds(
  { directory, fetch }: Sources,
  ids: Uint32Array,
  { from, to }: { from: number; to: number },
  kinds: () => readonly ('block' | 'index')[],
): Generator<Round | Promise<unknown>> {
  let next = roundAt(0)
  let fetching = fetched(next)
  while (next.first < ids.length) {
    const round = next
    if (fetching) yield fetching
    next = roundAt(round.end)
    fetching = fetched(next)
    yield round
  }

  function fetched({ blocks }: Round): Promise<unknown> | null {
    return fetch && blocks.length > 0 ? Promise.all(kinds().map((kind) => fetch(kind, blocks))) : null
  }

  function roundAt(first: number): Round {
    const round: Round = { first, end: first, blocks: [], ends: [] }
    const { blocks, ends } = round
    while (round.end < ids.length && blocks.length < roundBlocks && round.end - first < roundTopics) {
      const topicId = ids[round.end++]!
      for (const entry of directory.between(topicId, from, to)) blocks.push({ topicId, entry })
      ends.push(blocks.length)
    }
    return round
  }
}
