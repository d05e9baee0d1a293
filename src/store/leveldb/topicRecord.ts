// The record of a topic: its name, the counts of what is in blocks, and the newest reading in them, so that `latest` is one
// read. Its name stands a second time in a record of its own, so that damage to one of them loses nothing.

import { ByteReader, ByteWriter } from './binary.ts'
import { decodeFrame, encodeFrame } from './frame.ts'

/** What is known of a topic's readings in blocks. */
export interface StoredTopic {
  name: string
  readings: number
  /** Payload bytes as received. */
  bytes: number
  /** Milliseconds. */
  firstTime: number
  lastTime: number
  /** Number of the newest by (time, seq). */
  newestSeq: number
  /** The largest number of all. */
  seqMax: number
  newest: StoredReading | null
}

/** The newest reading, but for its time and number. */
export interface StoredReading {
  receivedAt: number
  captureId: number
  fields: Uint8Array
  payload: Uint8Array
}

export function newTopic(name: string): StoredTopic {
  return { name, readings: 0, bytes: 0, firstTime: 0, lastTime: 0, newestSeq: 0, seqMax: 0, newest: null }
}

export function encodeTopic(topic: StoredTopic): Buffer {
  const { newest } = topic
  const out = new ByteWriter(256 + (newest ? newest.payload.length + newest.fields.length : 0))
  out.text(topic.name)
  out.uint(topic.readings)
  out.uint(topic.bytes)
  out.int(topic.firstTime)
  out.int(topic.lastTime)
  out.uint(topic.newestSeq)
  out.uint(topic.seqMax)
  out.byte(newest ? 1 : 0)
  if (newest) {
    out.int(newest.receivedAt)
    out.uint(newest.captureId)
    out.bytes(newest.fields)
    out.bytes(newest.payload)
  }
  return encodeFrame(out.view())
}

/** `null` when the record is damaged. */
export function decodeTopic(record: Uint8Array | undefined): StoredTopic | null {
  const body = record && decodeFrame(record)
  if (!body) return null
  try {
    const input = new ByteReader(body)
    const topic = {
      name: input.text(),
      readings: input.uint(),
      bytes: input.uint(),
      firstTime: input.int(),
      lastTime: input.int(),
      newestSeq: input.uint(),
      seqMax: input.uint(),
    }
    if (input.byte() === 0) return { ...topic, newest: null }
    const newest = {
      receivedAt: input.int(),
      captureId: input.uint(),
      fields: input.bytes(),
      payload: input.bytes(),
    }
    return { ...topic, newest }
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
