// An aggregate over many topics as a job that any thread can run: blocks by their indexes where that is enough, rows in
// memory by their payload's bytes.

import { aggregateBlock } from '../aggregate/block.ts'
import type { AggregateQuery } from '../../store.ts'
import type { SeriesChunk } from '../aggregate/packed.ts'
import type { HotRow } from '../aggregate/rowNumbers.ts'
import { RowAggregator } from '../aggregate/rows.ts'
import { AggregateTarget, type Group } from '../aggregate/target.ts'
import { readBody } from '../segment.ts'
import { hotTopics, type PlacedBlock, type Sources, type Step, type TopicSet } from './jobs.ts'
import { type Part, partsOf, placesByThread, topicsAt } from './parts.ts'
import { rounds } from './rounds.ts'

export interface AggregateJob {
  /** The topics of one group stand together. */
  topics: TopicSet
  /**
   * Names of the groups in code-unit order, and for each topic which it is of; they do not go back. For a thread the names are one
   * text with U+0000 between, which no topic has [MQTT-1.5.4-2]: a hundred thousand texts take longer to be handed over.
   */
  groups: readonly string[] | string
  groupOf: Uint32Array
  fields: readonly string[]
  edges: Float64Array
  quantiles: readonly number[]
  columns?: AggregateQuery['columns']
}

/** The job cut for so many threads. */
export function aggregateParts(job: AggregateJob, threads: number): Part<AggregateJob>[] {
  const { topics, groupOf } = job
  const names = namesOf(job)
  return partsOf(placesByThread(topics, groupOf, threads), (places) => {
    // Names are copied to the thread: only those of its own groups.
    const groups: string[] = []
    let last = -1
    const numbers = Uint32Array.from(places, (place) => {
      const group = groupOf[place]!
      if (group !== last) groups.push(names[group]!)
      last = group
      return groups.length - 1
    })
    return { ...job, topics: topicsAt(topics, places), groups: groups.join('\0'), groupOf: numbers }
  })
}

function namesOf({ groups }: AggregateJob): readonly string[] {
  return typeof groups === 'string' ? groups.split('\0') : groups
}

/** The largest memory one aggregate may take. */
const bytesMax = 256 * 2 ** 20
/** Rows in memory, or blocks, after which others are let in. */
const stepRows = 4096
const stepBlocks = 32

/** Works a step at a time (`null`), then gives the series in chunks. */
export function* aggregateSteps(sources: Sources, job: AggregateJob): Generator<Step<SeriesChunk>, void> {
  const blocks: PlacedBlock[] = []
  let opened = 0
  const open = (block: number) => {
    const { topicId, entry } = blocks[block]!
    opened++
    return sources.openBlock(topicId, entry)
  }
  const target = new AggregateTarget({ open, bytesMax }, job)
  const names = namesOf(job)
  const rows = new RowAggregator(target)
  const range = { from: job.edges[0]!, to: job.edges.at(-1)! }
  let steps = 0
  // Whether indexes are enough shows as it goes.
  const kinds = () => (opened * 2 > blocks.length ? bothKinds : indexOnly)
  for (const round of rounds(sources, job.topics.ids, range, kinds)) {
    if (round instanceof Promise) {
      yield round
      continue
    }
    let next = 0
    for (let i = round.first; i < round.end; i++) {
      const group = target.group(names[job.groupOf[i]!]!)
      for (const end = round.ends[i - round.first]!; next < end; next++) {
        const { topicId, entry } = round.blocks[next]!
        const block = blocks.push(round.blocks[next]!) - 1
        aggregateBlock(target, group, block, sources.indexRecord(topicId, entry))
        if (++steps % stepBlocks === 0) yield null
      }
      for (const hot of hotTopics(sources, job.topics, i)) yield* addHot(rows, group, hot, range)
      yield* target.ready()
    }
  }
  yield* target.finish()
}

const indexOnly = ['index'] as const
const bothKinds = ['index', 'block'] as const

function* addHot(
  aggregator: RowAggregator,
  group: Group,
  { rows, head, isOrdered }: ReturnType<typeof hotTopics>[number],
  { from, to }: { from: number; to: number },
): Generator<null> {
  const empty = new Uint8Array(0)
  const hot: HotRow = {
    time: 0,
    seq: 0,
    bytes: empty,
    start: 0,
    end: 0,
    fieldBytes: empty,
    fieldsStart: 0,
    fieldsEnd: 0,
  }
  let steps = 0
  for (let row = head; row >= 0; row = rows.previous(row)) {
    const time = rows.time(row)
    if (isOrdered && time < from) return
    if (time < from || time >= to) continue
    const bytes = rows.chunkOf(row)
    const body = readBody(bytes, rows.offsetOf(row), time)
    hot.time = time
    hot.seq = rows.seq(row)
    hot.bytes = bytes
    hot.start = body.payloadAt
    hot.end = body.payloadEnd
    hot.fieldBytes = bytes
    hot.fieldsStart = body.fieldsAt
    hot.fieldsEnd = body.fieldsEnd
    aggregator.add(group, hot)
    if (++steps % stepRows === 0) yield null
  }
}
