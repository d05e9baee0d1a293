// What each field came to in each aligned slot of time: enough to answer count, sum, mean, deviation, lowest, highest,
// first and last over any bucket that slots fill, without opening the block.

import type { FieldColumn } from './gather.ts'
import { integerMax } from './integers.ts'
import { powersOfTen } from './tokens.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Slot lengths; slots begin at multiples of theirs since 1970. 0: one slot, the whole block, aligned to nothing. */
export const slotLadder = [
  0,
  second,
  10 * second,
  minute,
  5 * minute,
  15 * minute,
  hour,
  6 * hour,
  day,
  7 * day,
  28 * day,
] as const

/** Rows a slot has at least, on average. */
export const slotRows = 128

/** How a block's time is cut up. */
export interface SlotGrid {
  slotMs: number
  /** The number of the first slot since 1970; 0 when `slotMs` is 0. */
  first: number
  /** The row after the last of each slot. */
  ends: Uint32Array
}

/** A field in each slot of a block, as doubles. Where the count is 0 the rest says nothing. */
export interface FieldSlots {
  counts: Float64Array
  sums: Float64Array
  /** Sums of squared distances from the slot's own mean: m2 / count is the variance. */
  m2s: Float64Array
  mins: Float64Array
  maxs: Float64Array
  firsts: Float64Array
  lasts: Float64Array
}

/** The same as integers at one scale, every value but the count and the lowest as its distance from the lowest. */
export interface ScaledSlots {
  places: number
  counts: Float64Array
  mins: Float64Array
  spans: Float64Array
  firsts: Float64Array
  lasts: Float64Array
  sums: Float64Array
  squares: Float64Array
}

/** The finest grid that keeps `slotRows` rows a slot. */
export function chooseGrid(times: Float64Array, count: number): SlotGrid {
  const tmin = times[0] ?? 0
  const tmax = times[count - 1] ?? 0
  for (const slotMs of slotLadder.slice(1)) {
    const first = Math.floor(tmin / slotMs)
    const slots = Math.floor(tmax / slotMs) - first + 1
    if (slots * slotRows > count + 2 * slotRows) continue
    const ends = new Uint32Array(slots)
    let row = 0
    for (let slot = 0; slot < slots; slot++) {
      const until = (first + slot + 1) * slotMs
      while (row < count && times[row]! < until) row++
      ends[slot] = row
    }
    return { slotMs, first, ends }
  }
  return { slotMs: 0, first: 0, ends: Uint32Array.of(count) }
}

export function emptySlots(slots: number): FieldSlots {
  const column = (): Float64Array => new Float64Array(slots)
  return {
    counts: column(),
    sums: column(),
    m2s: column(),
    mins: column(),
    maxs: column(),
    firsts: column(),
    lasts: column(),
  }
}

/** The field as exact integers, or `null` when it is of doubles or its sums grow too large. */
export function scaledSlots({ values, places }: FieldColumn, { ends }: SlotGrid): ScaledSlots | null {
  if (places < 0) return null
  const { counts, mins, maxs: spans, firsts, lasts, sums, m2s: squares } = emptySlots(ends.length)
  let from = 0
  for (let slot = 0; slot < ends.length; slot++) {
    const to = ends[slot]!
    const { low, high, first, last, count } = extremes(values, from, to)
    let sum = 0
    let square = 0
    for (let row = from; row < to; row++) {
      const distance = values[row]! - low
      // NaN: the row has no number.
      if (distance === distance) {
        sum += distance
        square += distance * distance
      }
    }
    from = to
    if (count === 0) continue
    if (square > integerMax || sum + Math.abs(low) * count > integerMax) return null
    counts[slot] = count
    mins[slot] = low
    spans[slot] = high - low
    firsts[slot] = first - low
    lasts[slot] = last - low
    sums[slot] = sum
    squares[slot] = square
  }
  return { places, counts, mins, spans, firsts, lasts, sums, squares }
}

/**
 * Makes exact integers doubles, each rounded once, in place: `target` holds a field's `ScaledSlots`, the spans as `maxs`
 * and the squares as `m2s`.
 */
export function unscaleSlots(target: FieldSlots, slots: number, places: number): void {
  const { counts, sums, m2s, mins, maxs, firsts, lasts } = target
  const factor = powersOfTen[places] ?? 1
  const square = factor * factor
  for (let slot = 0; slot < slots; slot++) {
    const count = counts[slot]!
    if (count === 0) continue
    const low = mins[slot]!
    const sum = sums[slot]!
    mins[slot] = low / factor
    maxs[slot] = (low + maxs[slot]!) / factor
    firsts[slot] = (low + firsts[slot]!) / factor
    lasts[slot] = (low + lasts[slot]!) / factor
    sums[slot] = (low * count + sum) / factor
    m2s[slot] = Math.max(0, m2s[slot]! - (sum * sum) / count) / square
  }
}

/** The field as doubles. */
export function doubleSlots({ values, places }: FieldColumn, { ends }: SlotGrid): FieldSlots {
  const slots = emptySlots(ends.length)
  const factor = places > 0 ? powersOfTen[places]! : 1
  let from = 0
  for (let slot = 0; slot < ends.length; slot++) {
    const to = ends[slot]!
    const { low, high, first, last, count } = extremes(values, from, to)
    let sum = 0
    for (let row = from; row < to; row++) if (values[row]! === values[row]!) sum += values[row]! / factor
    const mean = sum / count
    let m2 = 0
    for (let row = from; row < to; row++) {
      const distance = values[row]! / factor - mean
      if (distance === distance) m2 += distance * distance
    }
    from = to
    if (count === 0) continue
    slots.counts[slot] = count
    slots.sums[slot] = sum
    slots.m2s[slot] = m2
    slots.mins[slot] = low / factor
    slots.maxs[slot] = high / factor
    slots.firsts[slot] = first / factor
    slots.lasts[slot] = last / factor
  }
  return slots
}

interface Extremes {
  low: number
  high: number
  first: number
  last: number
  count: number
}

function extremes(values: Float64Array, from: number, to: number): Extremes {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  let first = Number.NaN
  let last = Number.NaN
  let count = 0
  for (let row = from; row < to; row++) {
    const value = values[row]!
    if (value !== value) continue
    if (count === 0) first = value
    last = value
    if (value < low) low = value
    if (value > high) high = value
    count++
  }
  return { low, high, first, last, count }
}
