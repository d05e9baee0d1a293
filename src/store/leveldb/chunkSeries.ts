// Series out of chunks of samples: their topics by name, parted by what cleaning knows of them, and what they come to at steps. Work
// that may be long is given a piece at a time: `null` where others may be let in.

import { AppError } from '../../domain/errors.ts'
import type { Reading } from '../../domain/reading.ts'
import { partedByTags, stepsOf } from '../samples.ts'
import type { SeriesSamples, SeriesSteps, StepsQuery } from '../store.ts'
import type { Loaded } from './load.ts'
import type { RawSeries, SampleChunk } from './scan/samplePacker.ts'

export class ChunkSeries {
  readonly #loaded: Pick<Loaded, 'names' | 'captures'>

  constructor(loaded: Pick<Loaded, 'names' | 'captures'>) {
    this.#loaded = loaded
  }

  samples(
    { times, values }: SampleChunk,
    { topicId, field, start, end, captures }: RawSeries,
  ): Generator<null, SeriesSamples[]> {
    return partedByTags({
      topic: this.#loaded.names.nameOf(topicId),
      field,
      times: times.subarray(start, end),
      values: values.subarray(start, end),
      kinds: captures,
      of: (kind) => this.#cleanedBy(kind),
    })
  }

  *steps(
    chunk: SampleChunk,
    series: RawSeries,
    steps: Pick<StepsQuery, 'at' | 'lookbackMs' | 'over'>,
  ): Generator<null, SeriesSteps[]> {
    const { topicId, field, start, end, isSteps, captures } = series
    // Out of order, or with tags of their own: samples came in place of steps.
    if (!isSteps || typeof captures !== 'number') {
      const found: SeriesSteps[] = []
      for (const one of yield* this.samples(chunk, series)) found.push(yield* stepsOf(one, steps))
      return found
    }
    const cleaned = this.#cleanedBy(captures)
    if (cleaned?.record === 0) return []
    const values = chunk.steps.subarray(start, end)
    return [{ topic: this.#loaded.names.nameOf(topicId), field, tags: cleaned?.tags, values }]
  }

  /** What cleaning knows of readings with this capture data. */
  #cleanedBy(kind: number): Reading['cleaned'] {
    const capture = this.#loaded.captures.get(kind)
    if (!capture) throw new AppError('store_corrupt', `the capture data ${kind} of readings is damaged`)
    return capture.cleaned
  }
}
