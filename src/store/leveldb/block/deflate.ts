// Raw deflate for what does not fit any better form, tried on a sample first: random bytes cost time and give nothing.
// Reading back knows the size beforehand, so damaged input can neither grow without end nor come out short.

import { deflateRawSync, inflateRawSync } from 'node:zlib'

const level = 3
const tinyBytes = 48
const sampleBytes = 2048

/** The deflated bytes, or `null` when they would not be at least a sixteenth smaller. */
export function deflate(bytes: Uint8Array): Buffer | null {
  const enough = bytes.length - (bytes.length >>> 4) - 1
  if (bytes.length < tinyBytes) return null
  if (bytes.length > 4 * sampleBytes) {
    const middle = bytes.length >>> 1
    const sample = bytes.subarray(middle, middle + sampleBytes)
    if (deflateRawSync(sample, { level: 1 }).length > sampleBytes - (sampleBytes >>> 4)) return null
  }
  const deflated = deflateRawSync(bytes, { level })
  return deflated.length <= enough ? deflated : null
}

/** Exactly `length` bytes. Throws `RangeError` when the input does not hold them. */
export function inflate(bytes: Uint8Array, length: number): Buffer {
  let inflated: Buffer
  try {
    inflated = inflateRawSync(bytes, { maxOutputLength: Math.max(1, length) })
  } catch (error) {
    throw new RangeError('deflated bytes do not inflate', { cause: error })
  }
  if (inflated.length !== length) throw new RangeError('deflated bytes have another size than stated')
  return inflated
}
