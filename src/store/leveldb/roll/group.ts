// The rows of an epoch by topic, as columns. They are read once, in the order of arrival: that is how they lie in memory, and
// reading them topic by topic would wait for memory at each. A large epoch is taken in parts of a few topics.

import type { Rows, Texts } from '../block/rows.ts'
import { chunkBytes, chunkShift, type HotRows, pageRows } from '../hot/pages.ts'
import { BodyReader } from '../segment.ts'
import { inOrder, sliceRows } from './rowsets.ts'

export interface TopicRows {
  topicId: number
  /** In (time, seq) order. They share their memory with those of other topics. */
  rows: Rows
}

/** Payload bytes of a part, unless one topic alone has more. */
const partBytesMax = 32 * 2 ** 20

/** Topics from ≤ id < to. */
interface Part {
  from: number
  to: number
  rows: number
  bytes: number
}

/** Groups rows 0 ≤ row < end, by ascending topic id. */
export function* rowsByTopic(hot: HotRows, end: number, bytesMax = partBytesMax): Generator<TopicRows> {
  const { counts, sizes } = countTopics(hot, end)
  for (const part of partsOf(counts, sizes, bytesMax)) {
    const all = readPart(hot, end, part, { counts, sizes })
    let at = 0
    for (let topicId = part.from; topicId < part.to; topicId++) {
      const count = counts[topicId]!
      if (count > 0) yield { topicId, rows: inOrder(slice(all, at, at + count)) }
      at += count
    }
  }
}

interface TopicSizes {
  counts: Uint32Array
  /** Payload bytes. */
  sizes: Float64Array
}

function countTopics(hot: HotRows, end: number): TopicSizes {
  let idMax = -1
  for (const { topics, length } of pagesOf(hot, end)) {
    for (let at = 0; at < length; at++) if (topics[at]! > idMax) idMax = topics[at]!
  }
  const counts = new Uint32Array(idMax + 1)
  const sizes = new Float64Array(idMax + 1)
  for (const { topics, sizes: own, length } of pagesOf(hot, end)) {
    for (let at = 0; at < length; at++) {
      const id = topics[at]!
      counts[id] = counts[id]! + 1
      sizes[id] = sizes[id]! + own[at]!
    }
  }
  return { counts, sizes }
}

function* partsOf(counts: Uint32Array, sizes: Float64Array, bytesMax: number): Generator<Part> {
  let part: Part = { from: 0, to: 0, rows: 0, bytes: 0 }
  for (let id = 0; id < counts.length; id++) {
    if (part.rows > 0 && part.bytes + sizes[id]! > bytesMax) {
      yield part
      part = { from: id, to: id, rows: 0, bytes: 0 }
    }
    part.to = id + 1
    part.rows += counts[id]!
    part.bytes += sizes[id]!
  }
  if (part.rows > 0) yield part
}

/** The rows of a part, topic by topic in the order of arrival. */
function readPart(hot: HotRows, end: number, part: Part, { counts, sizes }: TopicSizes): Rows {
  const { from, to, rows: count } = part
  const rows = {
    count,
    times: new Float64Array(count),
    seqs: new Float64Array(count),
    receivedAt: new Float64Array(count),
    metas: new Uint32Array(count),
    bytes: new Uint8Array(part.bytes),
    offsets: new Uint32Array(count),
    lengths: new Uint32Array(count),
  }
  const { times, seqs, receivedAt, metas, bytes, offsets, lengths } = rows
  const fields = new FieldTexts(count)
  const next = startsOf(counts, from, to)
  const nextByte = startsOf(sizes, from, to)
  const body = new BodyReader()
  for (const page of pagesOf(hot, end)) {
    for (let at = 0; at < page.length; at++) {
      const id = page.topics[at]!
      if (id < from || id >= to) continue
      const place = page.places[at]!
      const chunk = hot.chunks[place >>> chunkShift]!
      body.read(chunk, place & (chunkBytes - 1))
      const row = next[id - from]!
      next[id - from] = row + 1
      const offset = nextByte[id - from]!
      const length = body.payloadEnd - body.payloadAt
      nextByte[id - from] = offset + length
      times[row] = page.times[at]!
      seqs[row] = page.seqs[at]!
      receivedAt[row] = page.times[at]! + body.delay
      metas[row] = body.captureId
      offsets[row] = offset
      lengths[row] = length
      copyBytes(bytes, offset, chunk, body.payloadAt, length)
      if (body.fieldsEnd > body.fieldsAt) fields.put(row, chunk, body.fieldsAt, body.fieldsEnd)
    }
  }
  return { ...rows, fields: fields.texts }
}

/** Where the rows or bytes of each topic begin. */
function startsOf(sizes: Uint32Array | Float64Array, from: number, to: number): Float64Array {
  const starts = new Float64Array(to - from)
  let at = 0
  for (let id = from; id < to; id++) {
    starts[id - from] = at
    at += sizes[id]!
  }
  return starts
}

/** Cleaned fields as they come; nothing while no row has some. */
class FieldTexts {
  readonly #count: number
  texts: Texts | null = null
  #end = 0

  constructor(count: number) {
    this.#count = count
  }

  put(row: number, source: Uint8Array, from: number, to: number): void {
    this.texts ??= {
      bytes: new Uint8Array(64 * this.#count),
      offsets: new Uint32Array(this.#count),
      lengths: new Uint32Array(this.#count),
    }
    const { texts } = this
    const length = to - from
    if (this.#end + length > texts.bytes.length) {
      const grown = new Uint8Array(Math.max(2 * texts.bytes.length, this.#end + length))
      grown.set(texts.bytes)
      texts.bytes = grown
    }
    texts.offsets[row] = this.#end
    texts.lengths[row] = length
    copyBytes(texts.bytes, this.#end, source, from, length)
    this.#end += length
  }
}

function copyBytes(target: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
  // A call costs more than a short copy.
  if (length > 64) target.set(source.subarray(from, from + length), at)
  else for (let i = 0; i < length; i++) target[at + i] = source[from + i]!
}

function slice(all: Rows, from: number, to: number): Rows {
  const rows = sliceRows(all, from, to)
  return rows.fields?.lengths.some((length) => length > 0) ? rows : { ...rows, fields: null }
}

interface PageRows {
  times: Float64Array
  seqs: Float64Array
  topics: Uint32Array
  places: Uint32Array
  sizes: Uint32Array
  /** Rows in it before `end`. */
  length: number
}

function pagesOf({ pages }: HotRows, end: number): PageRows[] {
  return pages
    .slice(0, Math.ceil(end / pageRows))
    .map((page, number) => ({ ...page, length: Math.min(pageRows, end - number * pageRows) }))
}
