// Reads a store's records at open: topics, capture data, block directory, receipts, and the log that was not rolled.
// A damaged record is moved aside under its own key and named in the log; the rest is served.

import type { Log } from '../../ops/log.ts'
import { CaptureTable } from './captures.ts'
import type { Database } from './database.ts'
import { decodeFrame } from './frame.ts'
import { HotRows } from './hot.ts'
import { segmentRowsMax } from './committer.ts'
import { damagedKey, kindRange, readBlockKey, readId } from './keys.ts'
import { decodeIndex } from './roll.ts'
import { decodeRows, type Row } from './row.ts'
import { type BlockEntry, countRow, decodeTopic, TopicTable } from './topics.ts'

export interface Loaded {
  topics: TopicTable
  captures: CaptureTable
  receipts: Set<string>
  hot: HotRows
  lastSeq: number
  /** Records that failed their checksum. */
  damaged: number
}

export async function loadStore(db: Database, log: Log): Promise<Loaded> {
  const loaded: Loaded = {
    topics: new TopicTable(),
    captures: new CaptureTable(),
    receipts: new Set(),
    hot: new HotRows(),
    lastSeq: 0,
    damaged: 0,
  }
  await each(db, 'T', loaded, log, (key, body) => loaded.topics.restore(decodeTopic(readId(key), body)))
  await each(db, 'C', loaded, log, (key, body) => loaded.captures.add(readId(key), body.toString()))
  for await (const key of db.keys(kindRange('R'))) loaded.receipts.add(key.subarray(1).toString())
  await loadDirectory(db, loaded, log)
  await each(db, 'L', loaded, log, (key, body) => addSegment(loaded, key, decodeRows(Buffer.from(body))))
  for await (const key of db.keys(kindRange('X'))) keepNumbers(loaded, key.subarray(1))
  return loaded
}

/** What a damaged record may have numbered is given to nobody else: not a topic, not capture data, not a reading. */
function keepNumbers(loaded: Loaded, key: Buffer): void {
  const kind = String.fromCharCode(key[0] ?? 0)
  if (kind === 'T') loaded.topics.reserve(readId(key))
  if (kind === 'C') loaded.captures.reserve(readId(key))
  if (kind === 'L')
    loaded.lastSeq = Math.max(loaded.lastSeq, Number(key.readBigUInt64BE(1)) + segmentRowsMax - 1)
}

function addSegment(loaded: Loaded, key: Buffer, rows: Row[]): void {
  loaded.hot.segments.push(Number(key.readBigUInt64BE(1)))
  for (const row of rows) {
    const topic = loaded.topics.byId(row.topicId)
    if (!topic) throw new RangeError(`it speaks of topic number ${row.topicId}, which has no record`)
    loaded.lastSeq = Math.max(loaded.lastSeq, row.seq)
    // In durability `async` a row may reach its block before its segment is written.
    if (row.seq <= topic.rolled.lastSeq) continue
    loaded.hot.add(row)
    countRow(topic.stats, row)
  }
}

async function loadDirectory(db: Database, loaded: Loaded, log: Log): Promise<void> {
  const lists = new Map<number, BlockEntry[]>()
  await each(db, 'I', loaded, log, (key, body) => {
    const { topicId, tmin, seq } = readBlockKey(key)
    const entry = decodeIndex(tmin, seq, body)
    loaded.lastSeq = Math.max(loaded.lastSeq, entry.lastSeq)
    const list = lists.get(topicId)
    if (list) list.push(entry)
    else lists.set(topicId, [entry])
  })
  for (const [id, list] of lists) {
    const topic = loaded.topics.byId(id)
    if (topic) topic.blocks = list
  }
  for (const { rolled } of loaded.topics.all()) loaded.lastSeq = Math.max(loaded.lastSeq, rolled.lastSeq)
}

async function each(
  db: Database,
  kind: string,
  loaded: Loaded,
  log: Log,
  use: (key: Buffer, body: Buffer) => void,
): Promise<void> {
  for await (const [key, frame] of db.iterator({ ...kindRange(kind), highWaterMarkBytes: 2 ** 20 })) {
    try {
      const body = decodeFrame(frame)
      if (!body) throw new RangeError('its checksum does not hold')
      use(key, body)
    } catch (error) {
      loaded.damaged++
      log.error(
        { record: `${kind}:${key.subarray(1).toString('hex')}`, err: error },
        'a damaged record of the store was set aside',
      )
      await db.batch().put(damagedKey(key), frame).del(key).write({ sync: true })
    }
  }
}
