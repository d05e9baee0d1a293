// A block with other capture data: all of it is copied but one column, and nothing of it is put together or taken apart.

import { ByteReader, ByteWriter } from '../binary.ts'
import { readBody } from './body.ts'
import { type ColumnMap, ColumnWriter, finishColumns, mapColumns } from './columns.ts'
import { blockFlag, readExtent } from './extent.ts'
import { encodeIntegers } from './integers.ts'
import { guarded, seal, sealBytes, unseal } from './seal.ts'
import type { Shapes } from './shapes.ts'

/** The block with `metas` in place of its own. Throws `store_corrupt`. */
export function withMetas(block: Uint8Array, metas: Uint32Array, shapes: Shapes): Buffer {
  const view = unseal(block, 'block')
  return guarded('block', () => {
    const head = new ByteReader(view, sealBytes)
    const { count } = readExtent(head)
    if (count !== metas.length) throw new RangeError('it has another number of rows')
    const flags = head.byte()
    const column = (flags & blockFlag.receivedAt) === 0 ? 2 : 3
    const payloads = readBody(head, count, column + 1, shapes)
    const { end } = (flags & blockFlag.fields) === 0 ? payloads : readBody(head, count, payloads.end, shapes)
    const out = new ByteWriter(head.offset + 64)
    out.raw(view.subarray(0, head.offset))
    const map = mapColumns(view, head, end)
    const columns = new ColumnWriter(count)
    copyColumns(columns, map, 0, column)
    encodeIntegers(columns, new Float64Array(metas), count)
    columns.end()
    copyColumns(columns, map, column + 1, end)
    return seal(finishColumns(out, columns), 'block')
  })
}

function copyColumns(columns: ColumnWriter, map: ColumnMap, from: number, to: number): void {
  const { control, words, controlStarts, wordStarts } = map
  for (let column = from; column < to; column++) {
    columns.control.raw(control.subarray(controlStarts[column], controlStarts[column + 1]))
    columns.words.append(words.subarray(wordStarts[column], wordStarts[column + 1]))
    columns.end()
  }
}
