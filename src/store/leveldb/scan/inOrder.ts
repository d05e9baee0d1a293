// One answer out of several that are in order, each made by a thread of its own.

interface Head<T> {
  source: AsyncGenerator<T[]>
  chunk: readonly T[]
  at: number
}

/** Items handed over at a time, about. */
const chunkItems = 1000

/** The items of all sources by their keys; no two sources have one in common. The sources work side by side. */
export async function* mergedInOrder<T>(
  sources: readonly AsyncGenerator<T[]>[],
  keyOf: (item: T) => string,
): AsyncGenerator<T[]> {
  if (sources.length === 1) {
    yield* sources[0]!
    return
  }
  try {
    const all = sources.map((source): Head<T> => ({ source, chunk: [], at: 0 }))
    await Promise.all(all.map(fill))
    let heads = all.filter(({ chunk }) => chunk.length > 0)
    let merged: T[] = []
    while (heads.length > 0) {
      const [first, ...others] = heads.toSorted((a, b) => (keyAt(a, keyOf) < keyAt(b, keyOf) ? -1 : 1))
      const until = others.length > 0 ? keyAt(others[0]!, keyOf) : null
      const { chunk } = first!
      while (first!.at < chunk.length && (until === null || keyOf(chunk[first!.at]!) < until))
        merged.push(chunk[first!.at++]!)
      if (merged.length >= chunkItems) {
        yield merged
        merged = []
      }
      if (first!.at < chunk.length) continue
      await fill(first!)
      if (first!.chunk.length === 0) heads = others
    }
    if (merged.length > 0) yield merged
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)))
  }
}

const keyAt = <T>({ chunk, at }: Head<T>, keyOf: (item: T) => string): string => keyOf(chunk[at]!)

/** Takes the next chunk that holds something; an empty one is the end. */
async function fill<T>(head: Head<T>): Promise<void> {
  head.at = 0
  do {
    const { done, value } = await head.source.next()
    head.chunk = done ? [] : value
    if (done) return
  } while (head.chunk.length === 0)
}
