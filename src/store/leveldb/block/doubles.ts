// A column of doubles: all first bytes, then all second bytes and so on. Signs, exponents and high digits then lie
// together and deflate well; planes of noise are kept as they are.
//
//   mask of deflated planes; deflated planes with their length; the other planes

import type { ColumnReader, ColumnWriter } from './columns.ts'
import { deflate, inflate } from './deflate.ts'

const planes = 8

/** Entropy in bits a byte above which deflating a plane is a waste of time. */
const noiseBits = 7.3

export function encodeDoubles(out: ColumnWriter, values: Float64Array, count: number): void {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, count * 8)
  const quiet: Uint8Array[] = []
  const noisy: Uint8Array[] = []
  let mask = 0
  for (let plane = 0; plane < planes; plane++) {
    const part = new Uint8Array(count)
    for (let i = 0; i < count; i++) part[i] = bytes[i * 8 + plane]!
    if (entropyBits(part) < noiseBits) {
      mask |= 1 << plane
      quiet.push(part)
    } else noisy.push(part)
  }
  const deflated = deflate(Buffer.concat(quiet))
  if (!deflated) {
    mask = 0
    noisy.length = 0
    for (let plane = 0; plane < planes; plane++) noisy.push(bytes.filter((_, i) => i % 8 === plane))
  }
  out.control.byte(mask)
  if (deflated) out.control.bytes(deflated)
  for (const part of noisy) out.control.raw(part)
}

export function decodeDoubles({ control }: ColumnReader, count: number): Float64Array {
  const values = new Float64Array(count)
  const bytes = new Uint8Array(values.buffer)
  const mask = control.byte()
  let quiet = 0
  for (let plane = 0; plane < planes; plane++) quiet += (mask >>> plane) & 1
  const inflated = mask === 0 ? new Uint8Array(0) : inflate(control.bytes(), quiet * count)
  let at = 0
  for (let plane = 0; plane < planes; plane++) {
    const isQuiet = ((mask >>> plane) & 1) === 1
    const part = isQuiet ? inflated.subarray(at, at + count) : control.take(count)
    if (isQuiet) at += count
    for (let i = 0; i < count; i++) bytes[i * 8 + plane] = part[i]!
  }
  return values
}

/** Bits a byte by how often each value occurs; short planes look quiet, which is cheap. */
function entropyBits(bytes: Uint8Array): number {
  const counts = new Uint32Array(256)
  for (const byte of bytes) counts[byte] = counts[byte]! + 1
  let sum = 0
  for (const count of counts) if (count > 0) sum += count * Math.log2(count)
  return Math.log2(bytes.length) - sum / bytes.length
}
