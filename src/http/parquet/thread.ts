// The thread that writes a Parquet file: takes slices of readings, writes a row group when there are enough, and hands its bytes
// back. Compressing columns takes tenths of a second, for which no device is to wait.

import { parentPort, workerData } from 'node:worker_threads'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { FieldColumn, Slice } from './columns.ts'
import { createGroups } from './groups.ts'

export interface ParquetJob {
  columns: FieldColumn[]
  createdBy: string
}

/** A slice, or `null`: that was all. */
export type ToThread = Slice | null

if (!parentPort) throw new Error('this module runs in a thread of an export')
const port = parentPort
const { columns, createdBy } = workerData as ParquetJob
const groups = createGroups(columns)
const bytes = new ByteWriter()
const writer = new ParquetWriter({ writer: bytes, schema: groups.schema, createdBy })

/** What was written since the last time, in memory of its own. */
function taken(): Uint8Array<ArrayBuffer> {
  const piece = bytes.getBytes().slice()
  bytes.index = 0
  return piece
}

function writeGroup(): void {
  const { rows, columnData } = groups.take()
  if (rows > 0) void writer.write({ columnData, rowGroupSize: rows })
}

port.on('message', (slice: ToThread) => {
  if (slice !== null) groups.add(slice)
  if (slice === null || groups.isFull) writeGroup()
  if (slice === null) void writer.finish()
  const piece = taken()
  port.postMessage(piece, [piece.buffer])
})
