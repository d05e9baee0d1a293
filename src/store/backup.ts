// A backup as one stream: every record of the databases as it lay on the disk at one moment, in chunks that each have a checksum,
// and an end that says how many there were. So a backup that was cut off or altered is noticed before it is believed.
//
//   "AMBER BACKUP 1\n" | chunks …
//   chunk    u32 bytes of the body | u32 CRC-32 of the body | body
//   body     H: header, JSON | R: u section | u length, key | u length, value … | E: end, JSON
//   section  place in the header's list of databases

import { crc32 } from 'node:zlib'
import { AppError } from '../domain/errors.ts'
import { ByteReader, ByteWriter } from './leveldb/binary.ts'

/** Key and value as they lie on the disk. */
export type DatabaseRecord = readonly [key: Uint8Array, value: Uint8Array]

/** A database and what is in it, at one moment. */
export interface Section {
  name: string
  records: AsyncIterable<readonly DatabaseRecord[]>
}

export interface BackupHead {
  version: string
  created_at: string
  databases: string[]
  /** Bytes on the disk: about what the stream will have. */
  disk_bytes: number
}

export interface BackupEnd {
  /** Of each database. */
  records: number[]
}

const magic = Buffer.from('AMBER BACKUP 1\n')
const kinds = { head: 72, records: 82, end: 69 }
const chunkBytes = 1024 * 1024
/** A record is a block or a payload: more in one chunk is no backup. */
const chunkBytesMax = 128 * 2 ** 20
const frameBytes = 8

export async function* encodeBackup(
  head: Omit<BackupHead, 'databases'>,
  sections: readonly Section[],
): AsyncGenerator<Buffer> {
  yield magic
  yield chunk(kinds.head, JSON.stringify({ ...head, databases: sections.map(({ name }) => name) }))
  const records: number[] = []
  for (const [section, { records: lists }] of sections.entries()) {
    let count = 0
    let out = recordsOf(section)
    for await (const list of lists) {
      for (const [key, value] of list) {
        out.bytes(key)
        out.bytes(value)
        count++
        if (out.length < chunkBytes) continue
        yield framed(out.finish())
        out = recordsOf(section)
      }
    }
    yield framed(out.finish())
    records.push(count)
  }
  yield chunk(kinds.end, JSON.stringify({ records }))
}

function recordsOf(section: number): ByteWriter {
  const out = new ByteWriter(chunkBytes + chunkBytes / 4)
  out.byte(kinds.records)
  out.uint(section)
  return out
}

function chunk(kind: number, text: string): Buffer {
  return framed(Buffer.concat([Buffer.from([kind]), Buffer.from(text)]))
}

function framed(body: Buffer): Buffer {
  const frame = Buffer.alloc(frameBytes)
  frame.writeUInt32BE(body.length)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame, body])
}

/** What a backup gives back, in order. */
export interface BackupReader {
  onHead(head: BackupHead): Promise<void>
  onRecords(database: string, records: readonly DatabaseRecord[]): Promise<void>
}

/** Reads a whole backup. Throws `store_corrupt` when it is none, was altered, or was cut off. */
export async function decodeBackup(
  source: AsyncIterable<Uint8Array>,
  reader: BackupReader,
): Promise<BackupEnd> {
  let head: BackupHead | null = null
  let end: BackupEnd | null = null
  const counts: number[] = []
  for await (const body of bodiesOf(source)) {
    if (end) throw broken('something follows its end')
    const kind = body[0]
    if (kind === kinds.head && !head) {
      head = JSON.parse(body.subarray(1).toString()) as BackupHead
      counts.push(...head.databases.map(() => 0))
      await reader.onHead(head)
    } else if (kind === kinds.records && head) {
      const { section, records } = readRecords(body)
      const name = head.databases[section]
      if (name === undefined) throw broken('it names a database that its header does not')
      counts[section] = (counts[section] ?? 0) + records.length
      await reader.onRecords(name, records)
    } else if (kind === kinds.end && head) {
      end = JSON.parse(body.subarray(1).toString()) as BackupEnd
    } else throw broken('a part of it is of no known kind')
  }
  if (!end) throw broken('it was cut off; make it again')
  if (JSON.stringify(end.records) !== JSON.stringify(counts)) throw broken('records are missing')
  return end
}

function readRecords(body: Buffer): { section: number; records: DatabaseRecord[] } {
  try {
    const input = new ByteReader(body, 1)
    const section = input.uint()
    const records: DatabaseRecord[] = []
    while (!input.done) records.push([input.bytes(), input.bytes()])
    return { section, records }
  } catch (error) {
    if (error instanceof RangeError) throw broken('a record of it is cut off')
    throw error
  }
}

/** Bodies whose checksums hold. */
async function* bodiesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let heldBytes = 0
  let wanted = magic.length
  let state: 'magic' | 'frame' | 'body' = 'magic'
  let checksum = 0
  const take = (): Buffer => {
    const all = held.length === 1 && held[0] ? held[0] : Buffer.concat(held)
    const taken = all.subarray(0, wanted)
    held = [all.subarray(wanted)]
    heldBytes -= wanted
    return taken
  }
  for await (const piece of source) {
    held.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    heldBytes += piece.length
    while (heldBytes >= wanted) {
      const taken = take()
      if (state === 'magic') {
        if (!taken.equals(magic)) throw broken('it does not begin as one')
        state = 'frame'
      } else if (state === 'frame') {
        checksum = taken.readUInt32BE(4)
        state = 'body'
        wanted = taken.readUInt32BE()
        if (wanted === 0 || wanted > chunkBytesMax) throw broken('a part of it has an impossible length')
        continue
      } else {
        if (crc32(taken) !== checksum) throw broken('a checksum of it does not hold')
        yield taken
        state = 'frame'
      }
      wanted = frameBytes
    }
  }
  if (heldBytes > 0 || state !== 'frame') throw broken('it was cut off; make it again')
}

function broken(why: string): AppError {
  return new AppError('store_corrupt', `this is not a whole backup: ${why}`)
}
