// The buckets of a question as a table to look times up in. Promises the same bucket as a search through the edges, at
// the price of a division where the edges are evenly spaced.

import { bucketAt } from '../../aggregate.ts'

export class Buckets {
  /** Bucket k is edges[k] ≤ time < edges[k + 1]. */
  readonly edges: Float64Array
  readonly from: number
  readonly to: number
  readonly #stepMs: number

  constructor(edges: Float64Array) {
    this.edges = edges
    this.from = edges[0]!
    this.to = edges.at(-1)!
    this.#stepMs = evenStep(edges)
  }

  /** The bucket of `time`, or -1. */
  at(time: number): number {
    const { edges, from } = this
    if (!(time >= from && time < this.to)) return -1
    if (this.#stepMs === 0) return bucketAt(edges, time)
    const bucket = Math.floor((time - from) / this.#stepMs)
    // The quotient may be rounded across an edge.
    if (time < edges[bucket]!) return bucket - 1
    return time >= edges[bucket + 1]! ? bucket + 1 : bucket
  }
}

/** The distance of all neighbours, or 0 when they differ. */
function evenStep(edges: Float64Array): number {
  const step = edges[1]! - edges[0]!
  for (let i = 2; i < edges.length; i++) if (edges[i]! - edges[i - 1]! !== step) return 0
  return step
}
