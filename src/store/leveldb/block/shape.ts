// The skeleton of one JSON layout: keys, order, white space and quotes between the leaves, and what kind each leaf is.
// A device sends the same few for years, so a block keeps a number for each row and columns of leaves instead of text.
//
//   seal | leaves: count, kind of each | literals: one more than leaves, each with its length

import { payloadLeavesMax, payloadLevelsMax } from '../../leafLimits.ts'
import { AppError } from '../../../domain/errors.ts'
import { ByteReader, ByteWriter } from '../binary.ts'
import { type JsonLeaves, type LeafKind, leafKind, readJson, words } from './json.ts'
import { damaged, guarded, seal, sealBytes, unseal } from './seal.ts'

export interface Shape {
  /** Its number in the table; 0 while it has none. */
  id: number
  /** All literals, one after another: literal k is literals[literalEnds[k-1]…literalEnds[k]). */
  literals: Uint8Array
  literalEnds: Uint32Array
  kinds: readonly LeafKind[]
  /** Dotted path of each leaf; `null` where a later equal key hides it. */
  paths: readonly (string | null)[]
  /** Equal for equal skeletons. */
  key: string
}

/** More than any table allows: for reading back what was allowed once. */
const readLimits = { leavesMax: payloadLeavesMax, depthMax: payloadLevelsMax }

/** The shape of a payload whose leaves are known. */
export function shapeOf(bytes: Uint8Array, start: number, end: number, leaves: JsonLeaves): Shape {
  const parts: Buffer[] = []
  const literalEnds = new Uint32Array(leaves.kinds.length + 1)
  let from = start
  let size = 0
  for (let leaf = 0; leaf <= leaves.kinds.length; leaf++) {
    const to = leaves.starts[leaf] ?? end
    parts.push(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from))
    size += to - from
    literalEnds[leaf] = size
    from = leaves.ends[leaf] ?? end
  }
  const literals = Buffer.concat(parts)
  const key = `${leaves.kinds.join('')} ${literalEnds.join(' ')} ${literals.toString('latin1')}`
  return { id: 0, literals, literalEnds, kinds: leaves.kinds, paths: leaves.paths, key }
}

export function encodeShape(shape: Shape): Buffer {
  const out = new ByteWriter(shape.literals.length + shape.kinds.length * 3 + 64)
  out.raw(Buffer.alloc(sealBytes))
  out.uint(shape.kinds.length)
  for (const kind of shape.kinds) out.byte(kind)
  for (let leaf = 0; leaf <= shape.kinds.length; leaf++) out.bytes(literal(shape, leaf))
  return seal(out.finish(), 'shape')
}

/** Throws `store_corrupt` when the record is no shape. */
export function decodeShape(record: Uint8Array): Shape {
  const view = unseal(record, 'shape')
  return guarded('shape', () => {
    const input = new ByteReader(view, sealBytes)
    const count = input.uint()
    const kinds = [...input.take(count)]
    const parts: Uint8Array[] = []
    const sample = [Buffer.from('0'), Buffer.alloc(0), words[2]!]
    for (let leaf = 0; leaf < count; leaf++) {
      const token = sample[kinds[leaf]!]
      if (!token) throw new RangeError('a leaf is of no kind')
      parts.push(input.bytes(), token)
    }
    parts.push(input.bytes())
    // Paths are not stored: they are read from the skeleton itself, with the plainest leaf in each gap.
    const text = Buffer.concat(parts)
    const leaves = input.done ? readJson(text, 0, text.length, readLimits) : 'invalid'
    const shape = typeof leaves === 'object' ? shapeOf(text, 0, text.length, leaves) : null
    if (!shape || shape.kinds.join() !== kinds.join()) throw damaged('shape', 'it is no JSON layout')
    return shape
  })
}

/** Whether a record is a whole shape. */
export function isShape(record: Uint8Array): boolean {
  try {
    decodeShape(record)
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'store_corrupt') return false
    throw error
  }
}

/** The bytes before leaf `leaf`, or after the last one. */
export function literal(shape: Shape, leaf: number): Uint8Array {
  return shape.literals.subarray(leaf === 0 ? 0 : shape.literalEnds[leaf - 1]!, shape.literalEnds[leaf])
}

/** The number of the leaf that `path` names, or -1. */
export function leafAt(shape: Shape, path: string): number {
  return shape.paths.indexOf(path)
}

export const isNumber = (shape: Shape, leaf: number): boolean => shape.kinds[leaf] === leafKind.number
