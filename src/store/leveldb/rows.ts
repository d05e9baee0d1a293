// Readings of one topic as parallel arrays: what the log gives to the roll, and what a block is made of.
// No object per reading, so that millions pass through a worker without a garbage collector noticing.

/** `count` readings in (time, seq) order. Payload i is `bytes.subarray(offsets[i], offsets[i] + lengths[i])`. */
export interface Rows {
  count: number
  /** Milliseconds since 1970. */
  times: Float64Array
  seqs: Float64Array
  receivedAt: Float64Array
  /**
   * Number of the interned capture data (source, client id, user, QoS, retain, dup, MQTT 5 properties, stored fields): most
   * topics have one for life. Kept by the store in its own table; to a block it is a column of integers.
   */
  metas: Uint32Array
  bytes: Uint8Array
  offsets: Uint32Array
  lengths: Uint32Array
}
