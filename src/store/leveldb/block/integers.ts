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
  let before = column.control.int()
  for (let from = 0; from < count; from += runLength) {
    before = decodeRun(column, Math.min(runLength, count - from), before, target, from)
  }
}

/** Reads one run behind the value `before` into `target` from `from`; gives its last value. */
function decodeRun(
  column: ColumnReader,
  length: number,
  before: number,
  target: Float64Array,
  from: number,
): number {
  const { control, words } = column
  const tag = control.byte()
  const width = tag & 63
  if (width > 53) throw new RangeError('a run of integers is wider than 53 bits')
  const low = control.int()
  const to = from + length
  const at = column.at
  column.at += wordsFor(length, width)
  // Nearly every run of steps: one pass instead of two.
  if ((tag & patched) === 0 && (tag & differences) !== 0 && width > 0 && width < 32) {
    return unpackSteps(words, at, width, low, before, target, from, to)
  }
  unpack(words, at, width, low, target, from, to)
  if ((tag & patched) !== 0) patchRun(column, low, target, from, length)
  if ((tag & differences) === 0) return target[to - 1]!
  let last = before
  for (let i = from; i < to; i++) target[i] = last += target[i]!
  return last
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

/** Goes to the end of a column of `count` without its values. */
export function skipIntegers(column: ColumnReader, count: number): void {
  const { control } = column
  const kind = control.byte()
  if (kind === form.constant || kind === form.packed) control.int()
  else if (kind === form.stepped) {
    control.int()
    control.int()
  } else if (kind === form.doubles) control.take(count * 8)
  else throw new RangeError(`there is no form ${kind} of integer columns`)
  if (kind !== form.packed) return
  for (let from = 0; from < count; from += runLength) {
    const tag = control.byte()
    control.int()
    if ((tag & patched) !== 0) {
      for (let left = control.byte(); left > 0; left--) {
        control.byte()
        control.int()
      }
    }
    column.at += wordsFor(Math.min(runLength, count - from), tag & 63)
  }
}

/** A column read forward, a run at a time: for who needs each value once, in order, and no memory for all of them. */
export class IntegerWindow {
  readonly #column: ColumnReader
  readonly #count: number
  readonly #form: number
  readonly #step: number
  readonly #values = new Float64Array(runLength)
  /** The value before the next run; what all have in a constant column. */
  #before: number
  /** Where the values at hand end. */
  #end = 0

  /** Reads on where `column` stands. */
  constructor(column: ColumnReader, count: number) {
    const { control } = column
    this.#column = column
    this.#count = count
    this.#form = control.byte()
    if (this.#form > form.doubles) throw new RangeError(`there is no form ${this.#form} of integer columns`)
    this.#before = this.#form === form.doubles ? 0 : control.int()
    this.#step = this.#form === form.stepped ? control.int() : 0
    if (this.#form !== form.constant) return
    this.#values.fill(this.#before)
    this.#end = count
  }

  /** Value `index`; none before the run of the last one asked for. */
  at(index: number): number {
    while (index >= this.#end) this.#next()
    return this.#values[index & (runLength - 1)]!
  }

  #next(): void {
    const from = this.#end
    const length = Math.min(runLength, this.#count - from)
    if (length <= 0) throw new RangeError('a column of integers has no such row')
    const values = this.#values
    if (this.#form === form.packed) {
      this.#before = decodeRun(this.#column, length, this.#before, values, 0)
    } else if (this.#form === form.stepped) {
      for (let i = 0; i < length; i++) values[i] = this.#before + (from + i) * this.#step
    } else {
      const bytes = this.#column.control.take(length * 8)
      for (let i = 0; i < length; i++) values[i] = bytes.readDoubleLE(i * 8)
    }
    this.#end = from + length
  }
}
