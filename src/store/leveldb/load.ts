// Reads a store's records at open: topics, capture data, block directory, receipts, and the log that was not rolled.
// What is damaged is made again from what else is known of it, or moved aside under its own key and named in the log; the rest
// is served.

import type { Log } from '../../ops/log.ts'
import { seqsPerMs } from '../numbering.ts'
import { readIndexExtent } from './block/blockindex.ts'
import { Shapes } from './block/shapes.ts'
import { CaptureTable, capturesMax } from './captures.ts'
import type { Database } from './database.ts'
import { type BlockEntry, Directory } from './directory.ts'
import { decodeFrame } from './frame.ts'
import { Epoch, segmentRowsMax } from './hot/epoch.ts'
import { captureKey, damagedKey, kindRange, mirrorKey, readBlockKey, readId, readSeq } from './keys.ts'
import { mendBlockIndex, mendTopic, readName } from './mend.ts'
import { receiptValue } from './receipts.ts'
import { readSegment } from './segment.ts'
import { loadShapes } from './shapeTable.ts'
import { decodeTopic, newTopic, type StoredTopic } from './topicRecord.ts'
import { TopicNames } from './topics/names.ts'
import { TopicSelect } from './topics/select.ts'
import { TopicStats } from './topics/stats.ts'

/** Longer than one segment takes to fill, in milliseconds. */
const segmentMsMax = 60_000

export interface Loaded {
  names: TopicNames
  select: TopicSelect
  stats: TopicStats
  captures: CaptureTable
  receipts: Set<string>
  shapes: Shapes
  directory: Directory
  /** What the log holds; complete, to be rolled. */
  epoch: Epoch
  lastSeq: number
  /** Records that failed their checksum. */
  damaged: number
}

const iteratorOptions = { highWaterMarkBytes: 2 ** 20 } as const

export async function loadStore(db: Database, log: Log): Promise<Loaded> {
  const shapes = new Shapes()
  const names = new TopicNames()
  const loaded: Loaded = {
    names,
    select: new TopicSelect(names),
    stats: new TopicStats(),
    captures: new CaptureTable((id) => readCapture(db, id)),
    receipts: new Set(),
    shapes,
    directory: new Directory(),
    epoch: new Epoch(),
    lastSeq: 0,
    damaged: loadShapes(db, shapes),
  }
  const loader = new Loader(db, loaded, log)
  await loader.directory()
  await loader.topics()
  await loader.captures()
  await loader.receipts()
  await loader.segments()
  await loader.keepNumbers()
  return loaded
}

/** The text of capture data: from its record, or from the copy of it. */
export function readCapture(db: Database, id: number): string | undefined {
  for (const key of [captureKey(id), mirrorKey(captureKey(id))]) {
    const record = db.getSync(key)
    const body = record && decodeFrame(record)
    if (body) return body.toString()
  }
  return undefined
}

class Loader {
  readonly #db: Database
  readonly #loaded: Loaded
  readonly #log: Log
  /** Largest number in blocks, by topic. */
  readonly #rolled: number[] = []

  constructor(db: Database, loaded: Loaded, log: Log) {
    this.#db = db
    this.#loaded = loaded
    this.#log = log
  }

  async directory(): Promise<void> {
    const lists = new Map<number, BlockEntry[]>()
    for await (const [key, record] of this.#db.iterator({ ...kindRange('I'), ...iteratorOptions })) {
      const { topicId, tmin, seq } = readBlockKey(key)
      const extent = readIndexExtent(record) ?? (await this.#mendIndex(key, topicId))
      const entry = extent
        ? {
            tmin,
            tmax: extent.tmax,
            seq,
            seqMin: extent.seqMin,
            seqMax: extent.seqMax,
            count: extent.count,
          }
        : // Whoever asks for this time is told that it is damaged.
          { tmin, tmax: tmin, seq, seqMin: seq, seqMax: seq, count: 0 }
      const list = lists.get(topicId)
      if (list) list.push(entry)
      else lists.set(topicId, [entry])
      this.#saw(entry.seqMax)
    }
    this.#loaded.directory = new Directory().with(lists)
  }

  async topics(): Promise<void> {
    for await (const [key, record] of this.#db.iterator({ ...kindRange('T'), ...iteratorOptions })) {
      const id = readId(key)
      const entries = this.#loaded.directory.entries(id)
      let topic = decodeTopic(record)
      const count = entries.reduce((sum, entry) => sum + entry.count, 0)
      if (topic && topic.readings !== count) {
        this.#damaged(
          { topic: topic.name, readings: topic.readings, found: count },
          'a topic has not as many readings in blocks as were written',
        )
      }
      if (!topic) {
        this.#damaged({ record: `T ${id}` }, 'the record of a topic was damaged and was made again')
        topic = await mendTopic(this.#db, this.#loaded.shapes, id, entries)
      }
      this.#restore(id, topic)
    }
  }

  /** The lately used ones; others are read when they are asked for. */
  async captures(): Promise<void> {
    const { captures } = this.#loaded
    const newest = this.#db.iterator({
      ...kindRange('C'),
      reverse: true,
      limit: capturesMax,
      ...iteratorOptions,
    })
    const found: [number, string][] = []
    for await (const [key, record] of newest) {
      const id = readId(key)
      const text = decodeFrame(record)?.toString() ?? readCapture(this.#db, id)
      captures.reserve(id)
      if (text !== undefined) found.push([id, text])
      else
        this.#damaged(
          { record: `C ${id}` },
          'capture data is damaged; readings that have it cannot be served',
        )
    }
    for (const [id, text] of found.reverse()) captures.add(id, text)
  }

  async receipts(): Promise<void> {
    for await (const [key, value] of this.#db.iterator(kindRange('R'))) {
      if (receiptValue(key).equals(value)) this.#loaded.receipts.add(key.subarray(1).toString())
      else await this.#setAside(key, value, 'a damaged receipt was set aside')
    }
  }

  async segments(): Promise<void> {
    const segments: number[] = []
    for await (const [key, record] of this.#db.iterator({ ...kindRange('L'), ...iteratorOptions })) {
      const seq = readSeq(key)
      try {
        this.#addSegment(record, seq)
        segments.push(seq)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        await this.#setAside(key, record, `a damaged log segment was set aside: ${error.message}`)
      }
    }
    const { epoch, stats } = this.#loaded
    epoch.adopt(segments)
    epoch.show(epoch.staged, (row) => {
      const { rows } = epoch
      stats.count(rows.topic(row), rows.time(row), rows.seq(row), rows.size(row))
    })
  }

  /** What a damaged record may have numbered is given to nobody else: not a topic, not capture data, not a reading. */
  async keepNumbers(): Promise<void> {
    for await (const key of this.#db.keys(kindRange('X'))) {
      const inner = key.subarray(1)
      const kind = String.fromCharCode(inner[0] ?? 0)
      if (kind === 'L') this.#saw(readSeq(inner) + segmentRowsMax + segmentMsMax * seqsPerMs)
    }
  }

  #addSegment(record: Buffer, firstSeq: number): void {
    const { epoch, names } = this.#loaded
    // All or nothing: a segment that ends in nonsense is damaged as a whole.
    const rows = [...readSegment(record, firstSeq)]
    for (const row of rows) {
      const { topicId, seq } = row
      this.#saw(seq)
      // A crash between two batches of a roll: these are in blocks already.
      if (seq <= (this.#rolled[topicId] ?? 0)) continue
      if (!names.has(topicId)) this.#restore(topicId, newTopic(readName(this.#db, topicId)))
      epoch.stage(row)
    }
  }

  #restore(id: number, topic: StoredTopic): void {
    const { names, stats } = this.#loaded
    names.restore(id, topic.name)
    stats.set(id, topic)
    this.#rolled[id] = topic.seqMax
    this.#saw(topic.seqMax)
  }

  async #mendIndex(key: Buffer, topicId: number): ReturnType<typeof mendBlockIndex> {
    const extent = await mendBlockIndex(this.#db, this.#loaded.shapes, key)
    const { tmin } = readBlockKey(key)
    this.#damaged(
      { topicId, from: new Date(tmin).toISOString() },
      extent
        ? 'the index of a block was damaged and was made again'
        : 'a block and its index are damaged; its readings cannot be served',
    )
    return extent
  }

  async #setAside(key: Buffer, value: Buffer, message: string): Promise<void> {
    this.#damaged(
      { record: `${String.fromCharCode(key[0] ?? 0)} ${key.subarray(1).toString('hex')}` },
      message,
    )
    await this.#db.batch().put(damagedKey(key), value).del(key).write({ sync: true })
  }

  #damaged(what: object, message: string): void {
    this.#loaded.damaged++
    this.#log.error(what, message)
  }

  #saw(seq: number): void {
    if (seq > this.#loaded.lastSeq) this.#loaded.lastSeq = seq
  }
}
