// What PromQL comes to in Prometheus' words: a part of a series at a time, with turns between them in which devices are served. A
// thousand series of 720 steps are fifteen megabytes, and a third of a second.

import { formatNumber } from '../query/promql/grouping.ts'
import type { PromResult } from '../query/promql/service.ts'
import type { Turns } from '../query/turns.ts'

type MatrixSeries = Extract<PromResult, { type: 'matrix' }>['series'][number]

/** Characters of a piece, about. */
const pieceLength = 65_536

/** The text of a result between `head` and `tail`. Throws the reason of the turns' signal. */
export function encodeResult(
  result: PromResult,
  turns: Turns,
  [head, tail]: readonly [string, string],
): Promise<Buffer[]> {
  return joined(rowsOf(result), turns, [`${head}{"resultType":"${result.type}","result":[`, `]}${tail}`])
}

/** The same of an array as JSON. */
export function encodeList(
  list: readonly unknown[],
  turns: Turns,
  [head, tail]: readonly [string, string],
): Promise<Buffer[]> {
  return joined(jsonOf(list), turns, [`${head}[`, `]${tail}`])
}

function* jsonOf(list: readonly unknown[]): Generator<string> {
  let comma = ''
  for (const item of list) {
    yield comma + JSON.stringify(item)
    comma = ','
  }
}

async function joined(
  parts: Iterable<string>,
  turns: Turns,
  [head, tail]: readonly [string, string],
): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  let piece = head
  for (const part of parts) {
    piece += part
    if (piece.length < pieceLength) continue
    // As bytes: strings that were put together keep their parts.
    pieces.push(Buffer.from(piece))
    piece = ''
    if (turns.isOver) await turns.next()
  }
  pieces.push(Buffer.from(piece + tail))
  return pieces
}

/** A row, or a part of a long one, at a time. */
function* rowsOf(result: PromResult): Generator<string> {
  let comma = ''
  if (result.type === 'matrix') {
    const partsOf = createSeriesText()
    for (const series of result.series) {
      yield comma
      yield* partsOf(series)
      comma = ','
    }
    return
  }
  const time = result.timeMs / 1000
  if (result.type === 'vector') {
    for (const { labels, values } of result.series) {
      yield `${comma}{"metric":${JSON.stringify(labels)},"value":[${time},"${formatNumber(values[0] ?? Number.NaN)}"]}`
      comma = ','
    }
    return
  }
  yield `${time},${result.type === 'scalar' ? `"${formatNumber(result.value)}"` : JSON.stringify(result.value)}`
}

/** Samples of a series that are written at a time. */
const partSamples = 1024
/** Times whose texts are remembered. */
const headsMax = 16_384

function createSeriesText(): (series: MatrixSeries) => Generator<string> {
  // Series mostly have their numbers at the same steps.
  const heads = new Map<number, string>()
  return function* ({ labels, times, values }) {
    let text = `{"metric":${JSON.stringify(labels)},"values":[`
    for (let at = 0; at < times.length; at++) {
      if (at % partSamples === partSamples - 1) {
        yield text
        text = ''
      }
      const time = times[at] ?? 0
      let head = heads.get(time)
      if (head === undefined) {
        head = `[${time / 1000},"`
        if (heads.size < headsMax) heads.set(time, head)
      }
      text += `${at === 0 ? '' : ','}${head}${formatNumber(values[at] ?? Number.NaN)}"]`
    }
    yield `${text}]}`
  }
}
