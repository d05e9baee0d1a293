// Readings as a Parquet file, written by a thread a row group at a time: constant memory, and the main thread only hands over.

import { once } from 'node:events'
import { startThread } from '../../ops/thread.ts'
import { version } from '../../ops/version.ts'
import type { Fields, Reading } from '../../domain/reading.ts'
import { type FieldColumn, sliceOf } from './columns.ts'
import type { ParquetJob, ToThread } from './thread.ts'

/** Readings handed over in one turn of the loop. */
const sliceRows = 1000

/** The file in pieces; `fieldsOf` is `null` when no fields are asked for. */
export async function* parquetPieces(
  chunks: AsyncIterable<Reading[]>,
  columns: FieldColumn[],
  fieldsOf: ((reading: Reading) => Fields) | null,
): AsyncGenerator<Buffer> {
  const job: ParquetJob = { columns, createdBy: `Amber ${version}` }
  const worker = startThread('./thread', import.meta.url, { workerData: job, name: 'amber export' })
  const send = async (slice: ToThread): Promise<Buffer> => {
    const transfer = slice === null ? [] : [slice.payloads.buffer as ArrayBuffer]
    worker.postMessage(slice, transfer)
    const [piece] = (await once(worker, 'message')) as [Uint8Array<ArrayBuffer>]
    return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
  }
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += sliceRows) {
        const piece = await send(sliceOf(chunk.slice(at, at + sliceRows), columns, fieldsOf))
        if (piece.length > 0) yield piece
      }
    }
    yield await send(null)
  } finally {
    await worker.terminate()
  }
}
