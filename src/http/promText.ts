// What PromQL comes to in Prometheus' words: series by series, in pieces, with turns between them in which devices are served. A
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
  for (const item of list) yield JSON.stringify(item)
}

async function joined(
  rows: Iterable<string>,
  turns: Turns,
  [head, tail]: readonly [string, string],
): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  let piece = head
  let isFirst = true
  for (const row of rows) {
    piece += isFirst ? row : `,${row}`
    isFirst = false
    if (piece.length < pieceLength) continue
    // As bytes: strings that were put together keep their parts.
    pieces.push(Buffer.from(piece))
    piece = ''
    if (turns.isOver) await turns.next()
  }
  pieces.push(Buffer.from(piece + tail))
  return pieces
}

function* rowsOf(result: PromResult): Generator<string> {
  if (result.type === 'matrix') {
    const text = createSeriesText()
    for (const series of result.series) yield text(series)
    return
  }
  const time = result.timeMs / 1000
  if (result.type === 'vector') {
    for (const { labels, values } of result.series) {
      yield `{"metric":${JSON.stringify(labels)},"value":[${time},"${formatNumber(values[0] ?? Number.NaN)}"]}`
    }
    return
  }
  yield `${time},${result.type === 'scalar' ? `"${formatNumber(result.value)}"` : JSON.stringify(result.value)}`
}

function createSeriesText(): (series: MatrixSeries) => string {
  // Series mostly have their numbers at the same steps.
  const heads = new Map<number, string>()
  return ({ labels, times, values }) => {
    let text = ''
    for (let at = 0; at < times.length; at++) {
      const time = times[at] ?? 0
      let head = heads.get(time)
      if (head === undefined) heads.set(time, (head = `[${time / 1000},"`))
      text += `${at === 0 ? '' : ','}${head}${formatNumber(values[at] ?? Number.NaN)}"]`
    }
    return `{"metric":${JSON.stringify(labels)},"values":[${text}]}`
  }
}
