// The keys of the database: one letter for the kind, then big-endian integers, so that byte order is time order.
//
//   V                      format version
//   N id                   topic: its name, written once
//   T id                   topic: name, counts of what is in blocks, newest reading of them
//   C id                   capture data: source, client, user, QoS, flags, properties
//   L seq                  log segment: readings of one commit
//   B topic tmin seq       block: readings of one topic in (time, seq) order
//   I topic tmin seq       its index: extent, and each field in slots of time
//   H id                   shape: the skeleton of one JSON layout
//   R receipt              durable mark of a QoS 2 publish
//   c id, h id             a second copy of C and H
//   X key                  a damaged record, moved out of the way

export const versionKey = Buffer.from('V')

/** Times are kept from year -285 to 9999 and beyond: shifted so that they are never negative. */
const timeShift = 2 ** 46

export const nameKey = (id: number): Buffer => numbered('N', id)
export const shapeKey = (id: number): Buffer => numbered('H', id)
export const topicKey = (id: number): Buffer => numbered('T', id)
export const captureKey = (id: number): Buffer => numbered('C', id)

export function segmentKey(seq: number): Buffer {
  const key = Buffer.alloc(9, 'L')
  writeUint64(key, seq, 1)
  return key
}

export const blockKey = (topicId: number, tmin: number, seq: number): Buffer =>
  blockLike('B', topicId, tmin, seq)
export const indexKey = (topicId: number, tmin: number, seq: number): Buffer =>
  blockLike('I', topicId, tmin, seq)
export const receiptKey = (receipt: string): Buffer => Buffer.from(`R${receipt}`)
/** Where the second copy of a record stands that much depends on. */
export function mirrorKey(key: Buffer): Buffer {
  const mirror = Buffer.from(key)
  mirror[0] = key[0]! | 32
  return mirror
}

export const damagedKey = (key: Uint8Array): Buffer => Buffer.concat([Buffer.from('X'), key])

/** Everything whose key starts with `letter`. */
export const kindRange = (letter: string): { gte: Buffer; lt: Buffer } => ({
  gte: Buffer.from(letter),
  lt: Buffer.from(String.fromCharCode(letter.charCodeAt(0) + 1)),
})

/** Every index of a topic. */
export const indexRange = (topicId: number): { gte: Buffer; lt: Buffer } => ({
  gte: indexKey(topicId, -timeShift, 0),
  lt: indexKey(topicId + 1, -timeShift, 0),
})

/** The number of a log segment's first row. */
export const readSeq = (key: Uint8Array): number => readUint64(Buffer.from(key), 1)

export const readId = (key: Uint8Array): number => Buffer.from(key).readUInt32BE(1)

export function readBlockKey(key: Uint8Array): { topicId: number; tmin: number; seq: number } {
  const view = Buffer.from(key)
  return { topicId: view.readUInt32BE(1), tmin: readUint64(view, 5) - timeShift, seq: readUint64(view, 13) }
}

function numbered(letter: string, id: number): Buffer {
  const key = Buffer.alloc(5, letter)
  key.writeUInt32BE(id, 1)
  return key
}

function blockLike(letter: string, topicId: number, tmin: number, seq: number): Buffer {
  const key = Buffer.alloc(21, letter)
  key.writeUInt32BE(topicId, 1)
  writeUint64(key, tmin + timeShift, 5)
  writeUint64(key, seq, 13)
  return key
}

function writeUint64(target: Buffer, value: number, offset: number): void {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), offset)
  target.writeUInt32BE(value % 2 ** 32, offset + 4)
}

function readUint64(source: Buffer, offset: number): number {
  return source.readUInt32BE(offset) * 2 ** 32 + source.readUInt32BE(offset + 4)
}
