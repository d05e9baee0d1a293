// Readings of one topic as parallel arrays: what a block is made of and what it gives back. No object per reading,
// so that millions pass through a worker without a garbage collector noticing.

/** Text i is `bytes.subarray(offsets[i], offsets[i] + lengths[i])`. */
export interface Texts {
  bytes: Uint8Array
  offsets: Uint32Array
  lengths: Uint32Array
}

/** `count` readings in (time, seq) order, with their payloads. */
export interface Rows extends Texts {
  count: number
  /** Milliseconds since 1970. */
  times: Float64Array
  seqs: Float64Array
  receivedAt: Float64Array
  /**
   * Number of the interned capture data (source, client id, user, QoS, retain, dup, MQTT 5 properties): most topics have
   * one for life. Kept by the store in its own table; to a block it is a column of integers.
   */
  metas: Uint32Array
  /**
   * Cleaned fields as JSON text (see fields.ts); a row whose text is empty has none, and its payload's own leaves count.
   * `null` when no row has any, which costs nothing.
   */
  fields: Texts | null
}

/** Rows a block may have. */
export const blockRowsMax = 8192

/** Payload bytes after which a block ends, whatever its rows; one row may be larger. */
export const blockBytesMax = 8 * 2 ** 20

/** Payload and field bytes a block can have at all: a larger number in a block is damage. */
export const blockBytesLimit = 64 * 2 ** 20

/** What the cleaned fields of a row may take, for a start. */
export const rowBytesHint = 64

/** Where a block that starts at row `from` ends at the latest. */
export function blockEnd(rows: Rows, from: number, rowsMax = blockRowsMax): number {
  const last = Math.min(rows.count, from + Math.min(rowsMax, blockRowsMax))
  let size = 0
  let row = from
  for (; row < last; row++) {
    size += rows.lengths[row]! + (rows.fields?.lengths[row] ?? 0)
    if (size > blockBytesMax && row > from) break
  }
  return row
}
