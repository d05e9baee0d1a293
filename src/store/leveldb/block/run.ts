// How a run of integers is packed best: the width that covers nearly all values, measured against the cost of patching
// in the rest. Two searches: a window over the histogram when values lie close together, else outliers above.

export interface RunPlan {
  low: number
  width: number
  /** Values outside [low, low + 2^width). */
  patches: number
  /** Estimated size. */
  bits: number
}

/** Place and distance of one patched value, as varints. */
const patchBits = 20

/** Ranges up to this are searched by histogram. */
const windowRange = 256

/** At most this many patches a run, so that reading stays fast. */
const patchesMax = 24

/** The best plan found for `run[0…length)`; integers of magnitude below 2^52. */
export function planRun(run: Float64Array, length: number): RunPlan {
  let low = run[0]!
  let high = low
  for (let i = 1; i < length; i++) {
    const value = run[i]!
    if (value < low) low = value
    else if (value > high) high = value
  }
  const range = high - low
  const width = bitWidth(range)
  const whole = { low, width, patches: 0, bits: width * length }
  if (width < 2 || length < 16) return whole
  return range < windowRange ? planWindow(run, length, whole, range) : planAbove(run, length, whole)
}

/** Bits that values 0…range need. */
export function bitWidth(range: number): number {
  if (range < 2 ** 32) return 32 - Math.clz32(range)
  return 64 - Math.clz32(Math.floor(range / 2 ** 32))
}

/** For each narrower width, the window that holds most values. */
function planWindow(run: Float64Array, length: number, whole: RunPlan, range: number): RunPlan {
  const counts = new Uint8Array(range + 1)
  for (let i = 0; i < length; i++) {
    const at = run[i]! - whole.low
    counts[at] = counts[at]! + 1
  }
  let best = whole
  for (let width = whole.width - 1; width >= 0; width--) {
    const size = 2 ** width
    let inside = 0
    for (let at = 0; at < size; at++) inside += counts[at]!
    let most = inside
    let start = 0
    for (let at = size; at <= range; at++) {
      inside += counts[at]! - counts[at - size]!
      if (inside > most) {
        most = inside
        start = at - size + 1
      }
    }
    const patches = length - most
    if (patches > patchesMax) break
    const bits = width * length + patches * patchBits
    if (bits < best.bits) best = { low: whole.low + start, width, patches, bits }
  }
  return best
}

/** Narrower widths from the lowest value up: a gap in time, a counter that starts again. */
function planAbove(run: Float64Array, length: number, whole: RunPlan): RunPlan {
  // Small enough to lie in V8's own heap.
  const counts = new Uint8Array(64)
  for (let i = 0; i < length; i++) {
    const width = bitWidth(run[i]! - whole.low)
    counts[width] = counts[width]! + 1
  }
  let best = whole
  let patches = 0
  for (let width = whole.width - 1; width >= 0; width--) {
    patches += counts[width + 1]!
    if (patches > patchesMax) break
    const bits = width * length + patches * (patchBits + whole.width)
    if (bits < best.bits) best = { low: whole.low, width, patches, bits }
  }
  return best
}
