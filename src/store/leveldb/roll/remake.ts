// Gives rows in blocks other fields and other capture data: a block that has some is written again with them, in place. Payloads,
// times and numbers stay. All blocks of a topic change in one batch, together with the topic's record.

import { AppError } from '../../../domain/errors.ts'
import type { Rows, Texts } from '../block/rows.ts'
import type { BlockEntry, Directory } from '../directory.ts'
import { encodeFrame } from '../frame.ts'
import { captureKey, mirrorKey, topicKey } from '../keys.ts'
import { decodeTopic, encodeTopic, type StoredTopic } from '../topicRecord.ts'
import { damagedBlock } from '../view.ts'
import { cut, type Piece } from './place.ts'
import { BlockWriter, type RollContext } from './roll.ts'

/** What rows of one topic are to have. Numbers that are in no block any more are passed over. */
export interface RemadeTopic {
  topicId: number
  /** Milliseconds; `from` ≤ time < `to` holds for all of them. */
  from: number
  to: number
  /** Numbers of the rows; the other columns fit them. */
  seqs: Float64Array
  captureIds: Uint32Array
  fields: Texts
}

export interface RemakeInput {
  topics: readonly RemadeTopic[]
  /** Capture data that may not be on the disk yet. */
  captures: readonly (readonly [id: number, text: string])[]
}

export interface RemakeResult {
  directory: Directory
  readings: number
}

export const batchBytes = 16 * 2 ** 20

export async function remakeRows(
  context: RollContext,
  { topics, captures }: RemakeInput,
): Promise<RemakeResult> {
  const { db, directory, pause } = context
  const writer = new BlockWriter(context)
  putCaptures(writer, captures)
  const changes = new Map<number, readonly BlockEntry[]>()
  let readings = 0
  for (const remade of topics) {
    const { topicId } = remade
    const before = directory.entries(topicId)
    const placed = new Map<number, number>()
    for (const [place, seq] of remade.seqs.entries()) placed.set(seq, place)
    const { pieces, count } = await remakeBlocks(context, writer, before, { remade, placed })
    if (count > 0) {
      readings += count
      const topic = decodeTopic(db.getSync(topicKey(topicId)))
      if (!topic) throw new AppError('store_corrupt', `the record of topic number ${topicId} is damaged`)
      changes.set(topicId, writer.replace(topicId, before, pieces))
      const place = placed.get(topic.newestSeq)
      if (place !== undefined) writer.put(topicKey(topicId), encodeTopic(withNewest(topic, remade, place)))
      if (writer.bytes >= batchBytes) await writer.flush()
    }
    await pause()
  }
  if (changes.size > 0) await writer.flush()
  return { directory: directory.with(changes), readings }
}

export function putCaptures(writer: BlockWriter, captures: RemakeInput['captures']): void {
  for (const [id, text] of captures) {
    const key = captureKey(id)
    const value = encodeFrame(Buffer.from(text))
    writer.put(key, value)
    writer.put(mirrorKey(key), value)
  }
}

interface Wanted {
  remade: RemadeTopic
  /** Number → place in the columns. */
  placed: ReadonlyMap<number, number>
}

async function remakeBlocks(
  { db, pause }: RollContext,
  writer: BlockWriter,
  before: readonly BlockEntry[],
  { remade, placed }: Wanted,
): Promise<{ pieces: Piece[]; count: number }> {
  const { topicId, from, to } = remade
  const pieces: Piece[] = []
  let count = 0
  for (const entry of before) {
    if (entry.tmax < from || entry.tmin >= to) {
      pieces.push({ kept: entry })
      continue
    }
    const rows = writer.read(topicId, entry)
    if (!rows) throw damagedBlock(db, topicId, entry)
    const hits = rows.seqs.reduce((sum, seq) => (placed.has(seq) ? sum + 1 : sum), 0)
    if (hits === 0) pieces.push({ kept: entry })
    else pieces.push(...cut(withFields(rows, remade, placed)))
    count += hits
    await pause()
  }
  return { pieces, count }
}

/** The rows with what they are to have; texts are not copied one by one. */
function withFields(rows: Rows, remade: RemadeTopic, placed: ReadonlyMap<number, number>): Rows {
  const old = rows.fields?.bytes ?? new Uint8Array(0)
  const bytes = Buffer.concat([old, remade.fields.bytes])
  const offsets = rows.fields?.offsets.slice() ?? new Uint32Array(rows.count)
  const lengths = rows.fields?.lengths.slice() ?? new Uint32Array(rows.count)
  const metas = rows.metas.slice()
  for (let row = 0; row < rows.count; row++) {
    const place = placed.get(rows.seqs[row]!)
    if (place === undefined) continue
    metas[row] = remade.captureIds[place]!
    offsets[row] = old.length + remade.fields.offsets[place]!
    lengths[row] = remade.fields.lengths[place]!
  }
  const hasFields = lengths.some((length) => length > 0)
  return { ...rows, metas, fields: hasFields ? { bytes, offsets, lengths } : null }
}

function withNewest(topic: StoredTopic, remade: RemadeTopic, place: number): StoredTopic {
  const { bytes, offsets, lengths } = remade.fields
  const fields = bytes.subarray(offsets[place]!, offsets[place]! + lengths[place]!)
  return {
    ...topic,
    newest: topic.newest && { ...topic.newest, captureId: remade.captureIds[place]!, fields },
  }
}
