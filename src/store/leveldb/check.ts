// Goes through every record of a store that nobody has open and says what is wrong with it: checksums, order, counts, and that
// what records say of each other is so. Changes nothing.

import { readdir } from 'node:fs/promises'
import type { BlockExtent } from './block/extent.ts'
import { AppError } from '../../domain/errors.ts'
import { readIndexExtent } from './block/blockindex.ts'
import { IndexReader } from './block/indexreader.ts'
import { openBlock } from './block/open.ts'
import { isShape } from './block/shape.ts'
import { Shapes } from './block/shapes.ts'
import { type Database, openDatabase } from './database.ts'
import { decodeFrame } from './frame.ts'
import {
  blockKey,
  captureKey,
  kindRange,
  mirrorKey,
  readBlockKey,
  readId,
  readSeq,
  shapeKey,
  versionKey,
} from './keys.ts'
import { readCapture } from './load.ts'
import { receiptValue } from './receipts.ts'
import { readSegment } from './segment.ts'
import { decodeTopic } from './topicRecord.ts'

/** Something that is not as it should be. */
export interface StoreFault {
  /** `block of "home/t" from 2026-11-26T08:00:00.000Z` */
  what: string
  why: string
  /** Whether `repair` makes it right without losing a reading. */
  isMendable: boolean
}

export interface StoreCheck {
  records: number
  readings: number
  topics: number
  faults: StoreFault[]
}

interface TopicSeen {
  name: string
  readings: number
  bytes: number
  firstTime: number
  lastTime: number
  seqMax: number
  /** In blocks, as far as they were read. */
  found: { readings: number; bytes: number; last: BlockExtent | null; isDamaged: boolean }
}

/** Throws what `openDatabase` throws. `onProgress` is told how many records were read. */
export async function checkStore(
  path: string,
  onProgress: (records: number) => void = () => {},
): Promise<StoreCheck> {
  await expectStore(path)
  const db = await openDatabase(path)
  try {
    return await new Checker(db, onProgress).run()
  } finally {
    await db.close()
  }
}

/** Throws `store_foreign` where nothing is: opening would make it. */
export async function expectStore(path: string): Promise<void> {
  const names = await readdir(path).catch(() => [])
  if (names.length === 0) throw new AppError('store_foreign', `there is no store in ${path} (--store.path)`)
}

const progressRecords = 1000

class Checker {
  readonly #db: Database
  readonly #onProgress: (records: number) => void
  readonly #shapes = new Shapes()
  readonly #topics = new Map<number, TopicSeen>()
  readonly #faults: StoreFault[] = []
  readonly #index = new IndexReader()
  readonly #captures = new Set<number>()
  #records = 0
  #readings = 0

  constructor(db: Database, onProgress: (records: number) => void) {
    this.#db = db
    this.#onProgress = onProgress
  }

  async run(): Promise<StoreCheck> {
    await this.#each('H', (key, value) => this.#shape(key, value))
    await this.#each('C', (key, value) => this.#pair(key, value, 'capture data'))
    for (const letter of ['c', 'h']) await this.#each(letter, (key, value) => this.#mirror(key, value))
    await this.#each('T', (key, value) => this.#topic(key, value))
    await this.#each('N', (key, value) => this.#name(key, value))
    await this.#each('B', (key, value) => this.#block(key, value))
    await this.#each('I', (key, value) => this.#blockIndex(key, value))
    for (const topic of this.#topics.values()) this.#counts(topic)
    await this.#each('L', (key, value) => this.#segment(key, value))
    await this.#each('R', (key, value) => this.#receipt(key, value))
    await this.#each('X', (key) => this.#setAside(key))
    await this.#strangers()
    return {
      records: this.#records,
      readings: this.#readings,
      topics: this.#topics.size,
      faults: this.#faults,
    }
  }

  async #each(letter: string, check: (key: Buffer, value: Buffer) => void): Promise<void> {
    for await (const [key, value] of this.#db.iterator({ ...kindRange(letter), fillCache: false })) {
      check(key, value)
      this.#records++
      if (this.#records % progressRecords === 0) this.#onProgress(this.#records)
    }
  }

  #shape(key: Buffer, value: Buffer): void {
    const id = readId(key)
    const copy = this.#db.getSync(mirrorKey(key))
    const first = isShape(value)
    const second = copy !== undefined && isShape(copy)
    if (first || second) this.#shapes.load(id, first ? value : (copy ?? value))
    else this.#shapes.skip(id)
    if (!first) this.#fault(`shape ${id}`, 'its checksum does not hold', second)
    if (!second)
      this.#fault(`second copy of shape ${id}`, copy ? 'its checksum does not hold' : 'it is missing', first)
  }

  #pair(key: Buffer, value: Buffer, what: string): void {
    const id = readId(key)
    const copy = this.#db.getSync(mirrorKey(key))
    const first = decodeFrame(value) !== null
    const second = copy !== undefined && decodeFrame(copy) !== null
    if (first || second) this.#captures.add(id)
    if (!first) this.#fault(`${what} ${id}`, 'its checksum does not hold', second)
    if (!second)
      this.#fault(
        `second copy of ${what} ${id}`,
        copy ? 'its checksum does not hold' : 'it is missing',
        first,
      )
  }

  /** The first copy of each is looked at with it; here only whether there is one. */
  #mirror(key: Buffer, value: Buffer): void {
    const first = key[0] === 'c'.charCodeAt(0) ? captureKey(readId(key)) : shapeKey(readId(key))
    if (this.#db.getSync(first) !== undefined) return
    const isWhole = decodeFrame(value) !== null || key[0] === 'h'.charCodeAt(0)
    this.#fault(`record ${describe(first)}`, 'only its second copy is there', isWhole)
    if (key[0] === 'c'.charCodeAt(0) && isWhole) this.#captures.add(readId(key))
  }

  #topic(key: Buffer, value: Buffer): void {
    const id = readId(key)
    const topic = decodeTopic(value)
    if (!topic) return this.#fault(`record of topic number ${id}`, 'its checksum does not hold', true)
    const { name, readings, bytes, firstTime, lastTime, seqMax } = topic
    const found = { readings: 0, bytes: 0, last: null, isDamaged: false }
    this.#topics.set(id, { name, readings, bytes, firstTime, lastTime, seqMax, found })
  }

  #name(key: Buffer, value: Buffer): void {
    const id = readId(key)
    const name = decodeFrame(value)?.toString()
    const topic = this.#topics.get(id)
    if (name === undefined) {
      return this.#fault(`name of topic number ${id}`, 'its checksum does not hold', topic !== undefined)
    }
    if (topic === undefined) {
      this.#fault(`record of topic "${name}"`, 'it is missing', true)
      const found = { readings: 0, bytes: 0, last: null, isDamaged: true }
      this.#topics.set(id, { name, readings: 0, bytes: 0, firstTime: 0, lastTime: 0, seqMax: 0, found })
    } else if (topic.name !== name) {
      this.#fault(`name of topic "${topic.name}"`, `its second copy says "${name}"`, false)
    }
  }

  #block(key: Buffer, value: Buffer): void {
    const { topicId, tmin, seq } = readBlockKey(key)
    const topic = this.#topics.get(topicId)
    const what = `block of ${this.#nameOf(topicId)} from ${new Date(tmin).toISOString()}`
    if (!topic) this.#fault(what, 'there is no such topic', false)
    try {
      const block = openBlock(value, this.#shapes)
      const rows = block.rows(0, block.count)
      this.#readings += block.count
      if (rows.times[0] !== tmin || rows.seqs[0] !== seq)
        this.#fault(what, 'its key names another reading', false)
      const wrong = firstDisorder(rows.times, rows.seqs)
      if (wrong >= 0) this.#fault(what, `reading ${wrong} of it is out of order`, false)
      const missing = rows.metas.find((id) => !this.#hasCapture(id))
      if (missing !== undefined) this.#fault(what, `its capture data ${missing} is missing or damaged`, false)
      if (topic) this.#follow(topic, block, what)
      const index = this.#db.getSync(Buffer.concat([Buffer.from('I'), key.subarray(1)]))
      const extent = index && readIndexExtent(index)
      if (!index || !extent)
        return this.#fault(`index of ${what}`, index ? 'it is damaged' : 'it is missing', true)
      if (!isSame(extent, block))
        this.#fault(`index of ${what}`, 'it says another extent than the block', true)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (topic) topic.found.isDamaged = true
      this.#fault(what, error.message, false)
    }
  }

  #follow(topic: TopicSeen, block: BlockExtent, what: string): void {
    const { found } = topic
    if (found.last && found.last.tmax > block.tmin) this.#fault(what, 'it overlaps the one before', false)
    found.readings += block.count
    found.bytes += block.payloadBytes
    const { count, tmin, tmax, seqMin, seqMax, payloadBytes } = block
    found.last = { count, tmin, tmax, seqMin, seqMax, payloadBytes }
  }

  #blockIndex(key: Buffer, value: Buffer): void {
    const { topicId, tmin, seq } = readBlockKey(key)
    const what = `index of the block of ${this.#nameOf(topicId)} from ${new Date(tmin).toISOString()}`
    if (this.#db.getSync(blockKey(topicId, tmin, seq)) === undefined) {
      return this.#fault(what, 'its block is missing', false)
    }
    try {
      this.#index.open(value)
      for (let field = 0; field < this.#index.fields; field++) this.#index.read(field)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      this.#fault(what, error.message, true)
    }
  }

  #counts({ name, readings, bytes, found }: TopicSeen): void {
    // What a damaged block holds cannot be counted: it was named already.
    if (found.isDamaged || (found.readings === readings && found.bytes === bytes)) return
    this.#fault(
      `record of topic "${name}"`,
      `it says ${readings} readings of ${bytes} bytes in blocks, which hold ${found.readings} of ${found.bytes}`,
      true,
    )
  }

  #segment(key: Buffer, value: Buffer): void {
    const first = readSeq(key)
    const what = `log segment of reading ${first}`
    try {
      for (const { topicId, captureId, seq } of readSegment(value, first)) {
        const topic = this.#topics.get(topicId)
        if (!topic)
          return this.#fault(what, `reading ${seq} is of topic number ${topicId}, which has no record`, true)
        // A crash between two batches of a roll left these in blocks and in the log.
        if (seq > topic.seqMax) this.#readings++
        if (!this.#hasCapture(captureId))
          this.#fault(what, `its capture data ${captureId} is missing or damaged`, false)
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.#fault(what, error.message, false)
    }
  }

  #receipt(key: Buffer, value: Buffer): void {
    if (!receiptValue(key).equals(value)) {
      this.#fault(`receipt ${describe(key)}`, 'its checksum does not hold', false)
    }
  }

  #setAside(key: Buffer): void {
    this.#fault(`record ${describe(key.subarray(1))}`, 'it was damaged and has been set aside', false)
  }

  async #strangers(): Promise<void> {
    const known = new Set(Buffer.from('HCchTNBILRX'))
    for await (const key of this.#db.keys({ fillCache: false })) {
      if (known.has(key[0] ?? 0) || key.equals(versionKey)) continue
      this.#fault(`record ${describe(key)}`, 'no record of Amber has such a key', false)
    }
  }

  #hasCapture(id: number): boolean {
    return this.#captures.has(id) || readCapture(this.#db, id) !== undefined
  }

  #nameOf(topicId: number): string {
    const topic = this.#topics.get(topicId)
    return topic ? `"${topic.name}"` : `topic number ${topicId}`
  }

  #fault(what: string, why: string, isMendable: boolean): void {
    this.#faults.push({ what, why, isMendable })
  }
}

function describe(key: Uint8Array): string {
  return `${String.fromCharCode(key[0] ?? 0)} ${Buffer.from(key.subarray(1)).toString('hex')}`
}

function isSame(a: BlockExtent, b: BlockExtent): boolean {
  return (
    a.count === b.count &&
    a.tmin === b.tmin &&
    a.tmax === b.tmax &&
    a.seqMin === b.seqMin &&
    a.seqMax === b.seqMax &&
    a.payloadBytes === b.payloadBytes
  )
}

/** The first row that is not after the one before, or -1. */
function firstDisorder(times: Float64Array, seqs: Float64Array): number {
  for (let row = 1; row < times.length; row++) {
    const order = (times[row] ?? 0) - (times[row - 1] ?? 0)
    if (order < 0 || (order === 0 && (seqs[row] ?? 0) <= (seqs[row - 1] ?? 0))) return row
  }
  return -1
}
