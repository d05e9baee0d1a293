// Series of samples, or of numbers at given times, packed into a few columns: a buffer handed to another thread costs more than
// the samples in it.

import type { StepsQuery } from '../../store.ts'
import type { SampleColumn } from './sampleColumn.ts'

/** One field of one topic: samples `start` to `end` (left out) of a chunk by (time, seq), or the same of its steps. */
export interface RawSeries {
  topicId: number
  field: string
  start: number
  end: number
  isSteps: boolean
  /** Number of the capture data of each sample, or of all. */
  captures: Uint32Array | number
}

export interface SampleChunk {
  series: RawSeries[]
  times: Float64Array
  values: Float64Array
  /** For each series of steps a number for each of the times; NaN where there is none. */
  steps: Float64Array
  /** Samples that were looked at for it. */
  looked: number
}

/** The buffers of a chunk, to be given to another thread. */
export function sampleBuffersOf(chunk: SampleChunk | null): ArrayBuffer[] {
  const columns = chunk ? [chunk.times, chunk.values, chunk.steps] : []
  return columns.filter(({ length }) => length > 0).map(({ buffer }) => buffer as ArrayBuffer)
}

/** Puts series one behind the other. */
export class SamplePacker {
  #series: RawSeries[] = []
  #times: Float64Array = none
  #values: Float64Array = none
  #steps: Float64Array
  #samples = 0
  #stepped = 0
  #looked = 0

  /** `stepsExpected`: numbers of series of steps that will come. */
  constructor(stepsExpected: number) {
    this.#steps = roomFor(stepsExpected)
  }

  /** Series that were added. */
  get count(): number {
    return this.#series.length
  }

  /** Numbers that were added. */
  get size(): number {
    return this.#samples + this.#stepped
  }

  add(topicId: number, field: string, column: SampleColumn): void {
    const start = this.#samples
    const end = start + column.length
    this.#looked += column.length
    this.#times = withRoom(this.#times, end)
    this.#values = withRoom(this.#values, end)
    const captures = column.writeTo(this.#times.subarray(start, end), this.#values.subarray(start, end))
    this.#series.push({ topicId, field, start, end, isSteps: false, captures })
    this.#samples = end
  }

  /** A column that is in order, and whose samples were captured alike; a piece at a time. */
  *addSteps(
    topicId: number,
    field: string,
    column: SampleColumn,
    query: Pick<StepsQuery, 'at' | 'lookbackMs' | 'over'>,
  ): Generator<null, void> {
    const captures = column.capture!
    this.#looked += column.length
    const start = this.#stepped
    const end = start + query.at.length
    this.#steps = withRoom(this.#steps, end)
    yield* column.writeSteps(this.#steps.subarray(start, end), query)
    this.#series.push({ topicId, field, start, end, isSteps: true, captures })
    this.#stepped = end
  }

  /** What was added, to be given away; begins anew. */
  take(): SampleChunk {
    const chunk: SampleChunk = {
      series: this.#series,
      times: given(this.#times, this.#samples),
      values: given(this.#values, this.#samples),
      steps: given(this.#steps, this.#stepped),
      looked: this.#looked,
    }
    this.#times = roomFor(this.#samples)
    this.#values = roomFor(this.#samples)
    this.#steps = roomFor(this.#stepped)
    this.#series = []
    this.#samples = 0
    this.#stepped = 0
    this.#looked = 0
    return chunk
  }
}

const none = new Float64Array(0)

/** The numbers in use; of none, nothing that lies in a buffer of its own. */
const given = (numbers: Float64Array, size: number): Float64Array =>
  size === 0 ? none : numbers.subarray(0, size)

const roomMin = 4096

/** As much again as was needed last: pages of new memory cost more than what is written to them. */
const roomFor = (size: number): Float64Array => (size === 0 ? none : new Float64Array(size + roomMin))

function withRoom(numbers: Float64Array, size: number): Float64Array {
  if (size <= numbers.length) return numbers
  const wider = new Float64Array(Math.max(roomMin, size, 2 * numbers.length))
  wider.set(numbers)
  return wider
}
