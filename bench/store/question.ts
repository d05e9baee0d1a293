// What every system of the benchmark is asked, and how its answers are compared: the same numbers for the same keys, or the
// run fails, so that a fast wrong answer is none.

export type Question =
  /** Temperature and humidity of one topic, every reading; `from` ≤ time < `to`. */
  | { kind: 'range'; device: number; from: number; to: number }
  /** Mean temperature in buckets, of one topic or (`null`) of each. */
  | { kind: 'mean'; device: number | null; from: number; to: number; everyMs: number }
  /** The newest temperature of each topic. */
  | { kind: 'latest'; to: number; count: number }

/** A time, a topic, or a topic and the start of a bucket → a number. */
export type Answer = Map<string, number>

export const meanKey = (topic: string, bucketStart: number): string => `${topic} ${bucketStart}`

/** Milliseconds from request to last byte, and the answer, read when asked for. */
export interface Asked {
  elapsedMs: number
  answer(): Answer
}

export interface Loaded {
  wallMs: number
  /** Microseconds of CPU of the whole process, all threads. */
  cpuUs: number
}

/** A system with a store of its own, started on one data set. */
export interface System {
  name: string
  load(): Promise<Loaded>
  /** Bytes on disk once nothing changes any more. */
  settle(): Promise<number>
  ask(question: Question): Promise<Asked>
  stop(): Promise<void>
}

/** Where `got` is not what `wanted` is; nothing when they agree. */
export function compareAnswers(got: Answer, wanted: Answer): string | null {
  if (wanted.size === 0) return 'there is nothing to compare with'
  if (got.size !== wanted.size) return `${got.size} values instead of ${wanted.size}`
  for (const [key, value] of wanted) {
    const other = got.get(key)
    if (other === undefined) return `nothing at ${key}`
    // One answers with fewer digits than the other.
    if (Math.abs(other - value) > 1e-6 * Math.max(1, Math.abs(value)))
      return `${other} instead of ${value} at ${key}`
  }
  return null
}
