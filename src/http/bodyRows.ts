// Rows out of a streamed body: lines of NDJSON, records of CSV (RFC 4180) with a header. Holds one piece and one row at a
// time; a row that is too long ends the request.

import { StringDecoder } from 'node:string_decoder'
import { AppError } from '../domain/errors.ts'

/** A row and the line it begins on, counted from 1. */
export interface BodyRow<T> {
  line: number
  row: T
}

/** Lines that are not empty. */
export async function* readLines(
  body: AsyncIterable<Buffer>,
  bytesMax: number,
): AsyncGenerator<BodyRow<string>[]> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let line = 0
  for await (const piece of body) {
    const lines = (rest + decoder.write(piece)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > bytesMax) throw tooLong(line + 1, bytesMax)
    yield lines.map((row) => ({ line: ++line, row })).filter(({ row }) => row.trim() !== '')
  }
  rest += decoder.end()
  if (rest.trim() !== '') yield [{ line: line + 1, row: rest }]
}

/** Records after the header, by its names. */
export async function* readCsv(
  body: AsyncIterable<Buffer>,
  bytesMax: number,
): AsyncGenerator<BodyRow<Record<string, string>>[]> {
  const decoder = new StringDecoder('utf8')
  const parser = createCsvParser()
  let names: string[] | null = null
  const toRows = (records: readonly BodyRow<string[]>[]): BodyRow<Record<string, string>>[] => {
    const rows: BodyRow<Record<string, string>>[] = []
    for (const { line, row } of records) {
      if (names === null) names = row.map((name) => name.replace(/^\uFEFF/, '').trim())
      else if (row.length > 1 || row[0] !== '') {
        const entries = names.map((name, at): [string, string] => [name, row[at] ?? ''])
        rows.push({
          line,
          row: Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(entries)),
        })
      }
    }
    return rows
  }
  for await (const piece of body) {
    yield toRows(parser.add(decoder.write(piece)))
    if (parser.pendingLength > bytesMax) throw tooLong(parser.line, bytesMax)
  }
  yield toRows(parser.add(decoder.end()))
  yield toRows(parser.end())
}

interface CsvParser {
  add(text: string): BodyRow<string[]>[]
  end(): BodyRow<string[]>[]
  readonly pendingLength: number
  readonly line: number
}

export function createCsvParser(): CsvParser {
  let cells: string[] = []
  let cell = ''
  let isQuoted = false
  /** A quote inside a quoted cell: the end of it, unless another follows. */
  let hasQuote = false
  let line = 1
  let start = 1
  let length = 0
  const rows: BodyRow<string[]>[] = []
  const endRow = (): void => {
    cells.push(cell)
    rows.push({ line: start, row: cells })
    cells = []
    cell = ''
    length = 0
  }
  const take = (c: string): void => {
    length++
    if (c === '\n') line++
    if (isQuoted) {
      if (hasQuote) {
        hasQuote = false
        if (c === '"') {
          cell += c
          return
        }
        isQuoted = false
      } else if (c === '"') {
        hasQuote = true
        return
      } else {
        cell += c
        return
      }
    }
    if (c === '"' && cell === '') isQuoted = true
    else if (c === ',') {
      cells.push(cell)
      cell = ''
    } else if (c === '\n') {
      endRow()
      start = line
    } else if (c !== '\r') cell += c
  }
  return {
    add(text) {
      for (const c of text) take(c)
      return rows.splice(0)
    },
    end() {
      if (length > 0) endRow()
      return rows.splice(0)
    },
    get pendingLength() {
      return length
    },
    get line() {
      return start
    },
  }
}

function tooLong(line: number, bytesMax: number): AppError {
  return new AppError(
    'payload_too_large',
    `line ${line}: a row has at most ${bytesMax} characters (http.max_body_size)`,
  )
}
