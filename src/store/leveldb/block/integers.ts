// A column of integers: constant, evenly stepped, or packed in runs of 128, each as differences from its lowest value or
// as differences between neighbours, whichever is smaller. The few values of a run that need more bits than the rest
// are patched in. Anything that is no integer below 2^52 in magnitude makes the column one of plain doubles.
//
//   column    form byte, then by form
//   constant  value
//   stepped   first, step
//   packed    value before the first, then for each run: width | 64 differences | 128 patched; low;
//             patched: count, and for each its place in the run and its distance from low
//   doubles   8 bytes each

import { type ColumnReader, type ColumnWriter, runLength } from './columns.ts'
import { unpack, unpackSteps, wordsFor } from './bits.ts'
import { planRun, type RunPlan } from './run.ts'

const form = { constant: 0, stepped: 1, packed: 2, doubles: 3 } as const

const differences = 64
const patched = 128

/** The largest magnitude packed: its zigzag form still fits 2^53. */
export const integerMax = 2 ** 52 - 1

export function encodeIntegers(out: ColumnWriter, values: Float64Array, count: number): void {
  if (!allIntegers(values, count)) {
    out.control.byte(form.doubles)
    out.control.raw(new Uint8Array(values.buffer, values.byteOffset, count * 8))
    return
  }
  const first = count > 0 ? values[0]! : 0
  const step = count > 1 ? values[1]! - first : 0
  if (isStepped(values, count, step)) {
    out.control.byte(step === 0 ? form.constant : form.stepped)
    out.control.int(first)
    if (step !== 0) out.control.int(step)
    return
  }
  encodePacked(out, values, count)
}

function encodePacked(out: ColumnWriter, values: Float64Array, count: number): void {
  const { control } = out
  const [run, steps] = out.scratch
  control.byte(form.packed)
  // As if the first step were the second one again: a zero would widen the first run.
  let before = Math.max(-integerMax, Math.min(integerMax, 2 * values[0]! - values[1]!))
  control.int(before)
  for (let from = 0; from < count; from += runLength) {
    const length = Math.min(runLength, count - from)
    let inRange = true
    for (let i = 0; i < length; i++) {
      const value = values[from + i]!
      const step = value - before
      if (step > integerMax || step < -integerMax) inRange = false
      run[i] = value
      steps[i] = step
      before = value
    }
    const plain = planRun(run, length)
    const stepped = inRange && plain.bits > 0 ? planRun(steps, length) : plain
    if (stepped.bits < plain.bits) writeRun(out, steps, length, stepped, differences)
    else writeRun(out, run, length, plain, 0)
  }
}

function writeRun(out: ColumnWriter, run: Float64Array, length: number, plan: RunPlan, mode: number): void {
  const { low, width, patches } = plan
  const { control } = out
  control.byte(width | mode | (patches > 0 ? patched : 0))
  control.int(low)
  if (patches > 0) {
    const limit = 2 ** width
    control.byte(patches)
    for (let i = 0; i < length; i++) {
      const distance = run[i]! - low
      if (distance >= 0 && distance < limit) continue
      control.byte(i)
      control.int(distance)
      run[i] = low
    }
  }
  if (width > 0) out.words.pack(run, 0, length, low, width)
}

/** The value that all have, when they were written so; `null` else. */
export function constantInteger({ control }: ColumnReader): number | null {
  return control.byte() === form.constant ? control.int() : null
}

/** Reads `count` values into `target`, which is at least as long. */
export function decodeIntegers(column: ColumnReader, count: number, target: Float64Array): Float64Array {
  const { control } = column
  const kind = control.byte()
  if (kind === form.constant) target.fill(control.int(), 0, count)
  else if (kind === form.stepped) decodeStepped(target, count, control.int(), control.int())
  else if (kind === form.packed) decodePacked(column, count, target)
  else if (kind === form.doubles) {
    const bytes = control.take(count * 8)
    for (let i = 0; i < count; i++) target[i] = bytes.readDoubleLE(i * 8)
  } else throw new RangeError(`there is no form ${kind} of integer columns`)
  return target
}

function decodeStepped(target: Float64Array, count: number, first: number, step: number): void {
  for (let i = 0; i < count; i++) target[i] = first + i * step
}

function decodePacked(column: ColumnReader, count: number, target: Float64Array): void {
  const { control, words } = column
  let before = control.int()
  for (let from = 0; from < count; from += runLength) {
    const length = Math.min(runLength, count - from)
    const tag = control.byte()
    const width = tag & 63
    if (width > 53) throw new RangeError('a run of integers is wider than 53 bits')
    const low = control.int()
    const to = from + length
    // Nearly every run of steps: one pass instead of two.
    if ((tag & patched) === 0 && (tag & differences) !== 0 && width > 0 && width < 32) {
      before = unpackSteps(words, column.at, width, low, before, target, from, to)
      column.at += wordsFor(length, width)
      continue
    }
    unpack(words, column.at, width, low, target, from, to)
    column.at += wordsFor(length, width)
    if ((tag & patched) !== 0) patchRun(column, low, target, from, length)
    if ((tag & differences) !== 0) {
      for (let i = from; i < to; i++) target[i] = before += target[i]!
    } else before = target[to - 1]!
  }
}

function patchRun(
  { control }: ColumnReader,
  low: number,
  target: Float64Array,
  from: number,
  length: number,
): void {
  for (let left = control.byte(); left > 0; left--) {
    const place = control.byte()
    if (place >= length) throw new RangeError('a patch lies outside its run')
    target[from + place] = low + control.int()
  }
}

function allIntegers(values: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (Math.floor(value) !== value || value > integerMax || value < -integerMax || Object.is(value, -0)) {
      return false
    }
  }
  return true
}

function isStepped(values: Float64Array, count: number, step: number): boolean {
  if (step > integerMax || step < -integerMax) return false
  for (let i = 1; i < count; i++) if (values[i]! - values[i - 1]! !== step) return false
  return true
}
