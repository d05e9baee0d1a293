// Rows out of a streamed body: lines of NDJSON, records of CSV (RFC 4180) with a header. Holds one piece and one row at a
// time; a row that is too long ends the request.

import { StringDecoder } from 'node:string_decoder'
import { AppError } from '../domain/errors.ts'

/** A row and the line it begins on, counted from 1. */
export interface BodyRow<T> {
  line: number
  row: T
  /** Why it cannot be taken, whatever it holds. */
  fault?: string
}

/** Lines that are not empty. */
export async function* readLines(
  body: AsyncIterable<Buffer>,
  bytesMax: number,
): AsyncGenerator<BodyRow<string>[]> {
  const text = new Utf8Text()
  let rest = ''
  let line = 0
  for await (const piece of body) {
    const lines = (rest + text.add(piece)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > bytesMax) throw tooLong(line + 1, bytesMax)
    const rows = lines.map((row) => ({ line: ++line, row })).filter(({ row }) => row.trim() !== '')
    yield text.mark(rows, (row) => row.includes(replacement))
  }
  rest += text.end()
  const last = rest.trim() === '' ? [] : [{ line: line + 1, row: rest }]
  yield text.mark(last, (row) => row.includes(replacement))
}

/** Records after the header, by its names. */
export async function* readCsv(
  body: AsyncIterable<Buffer>,
  bytesMax: number,
): AsyncGenerator<BodyRow<Record<string, string>>[]> {
  const text = new Utf8Text()
  const parser = createCsvParser()
  let names: string[] | null = null
  const toRows = (records: readonly BodyRow<string[]>[]): BodyRow<Record<string, string>>[] => {
    const rows: BodyRow<Record<string, string>>[] = []
    for (const { line, row, ...fault } of records) {
      if (names === null) names = headerOf(row)
      else if (row.length > 1 || row[0] !== '') {
        const entries = names.map((name, at): [string, string] => [name, row[at] ?? ''])
        rows.push({
          line,
          row: Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(entries)),
          ...fault,
        })
      }
    }
    return rows
  }
  for await (const piece of body) {
    yield toRows(text.mark(parser.add(text.add(piece)), hasReplacement))
    if (parser.pendingLength > bytesMax) throw tooLong(parser.line, bytesMax)
  }
  yield toRows(text.mark([...parser.add(text.end()), ...parser.end()], hasReplacement))
}

function headerOf(row: readonly string[]): string[] {
  const names = row.map((name) => name.replace(/^\uFEFF/, '').trim())
  const twice = names.find((name, at) => name !== '' && names.indexOf(name) < at)
  if (twice !== undefined) throw badHeader(`there is more than one column "${twice.slice(0, 60)}"`)
  if (!names.includes('topic')) {
    throw badHeader('there is no column "topic"; the first line has the names, with commas between them')
  }
  return names
}

function badHeader(message: string): AppError {
  return new AppError('bad_request', `line 1: ${message}`, { problems: [{ path: 'line 1', message }] })
}

/** What stands for bytes that are no UTF-8. */
const replacement = '\uFFFD'
const replacementBytes = Buffer.from(replacement)
const hasReplacement = (cells: readonly string[]): boolean => cells.some((cell) => cell.includes(replacement))

/** Text out of pieces of bytes. Knows a replacement that was sent from one that stands for bytes that are no UTF-8. */
class Utf8Text {
  readonly #decoder = new StringDecoder('utf8')
  /** The last two bytes of the piece before: a character may lie over the border. */
  #tail = Buffer.alloc(0)
  #isBroken = false

  add(piece: Buffer): string {
    const text = this.#decoder.write(piece)
    if (text.includes(replacement)) {
      const sent = countOf(replacementBytes, Buffer.concat([this.#tail, piece]))
      if (text.split(replacement).length - 1 > sent) this.#isBroken = true
    }
    this.#tail = Buffer.from(
      piece.length > 1 ? piece.subarray(-2) : Buffer.concat([this.#tail, piece]).subarray(-2),
    )
    return text
  }

  end(): string {
    const text = this.#decoder.end()
    if (text !== '') this.#isBroken = true
    return text
  }

  /** Gives the rows that may hold broken bytes a fault: of a body that has some, all that hold a replacement. */
  mark<T>(rows: BodyRow<T>[], isSuspect: (row: T) => boolean): BodyRow<T>[] {
    if (!this.#isBroken) return rows
    return rows.map((one) => (isSuspect(one.row) ? { ...one, fault: 'holds bytes that are not UTF-8' } : one))
  }
}

function countOf(bytes: Buffer, within: Buffer): number {
  let count = 0
  for (let at = within.indexOf(bytes); at !== -1; at = within.indexOf(bytes, at + bytes.length)) count++
  return count
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
      const isOpen = isQuoted && !hasQuote
      if (length > 0) endRow()
      const last = rows.at(-1)
      if (isOpen && last) last.fault = 'the file ends inside quotes'
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
