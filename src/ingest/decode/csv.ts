// Separated values: one record a line, columns by the names of a header or by number. Found without being asked for only
// where nothing else fits: a comma may as well be a decimal comma or a comma in a sentence.

import { type Decoded, Leaves } from './decoded.ts'
import { isMissing, numberOf } from './scalar.ts'

export interface CsvOptions {
  /** By default found among `;`, tab, `,` and `|`. */
  delimiter?: string
  /** Names of the columns, or whether the first line holds them; by default found out. */
  header?: boolean | readonly string[]
}

/** Every line of `text`, as it was asked for. `null` when there is nothing in it. */
export function decodeCsv(text: string, { delimiter, header }: CsvOptions = {}): Decoded | null {
  const lines = linesOf(text)
  const separator = delimiter ?? delimiters.find((one) => lines[0]?.includes(one)) ?? ','
  const rows = lines.map((line) => splitRow(line, separator))
  if (rows.some((row) => row === null)) return null
  const full = rows as string[][]
  const named = header === true || (header === undefined && looksLikeHeader(full))
  const names = Array.isArray(header) ? (header as string[]) : named ? full[0] : undefined
  const leaves = new Leaves()
  for (const row of named ? full.slice(1) : full) {
    for (const [column, cell] of row.entries()) {
      if (cell !== '' && !isMissing(cell))
        leaves.set(names?.[column] ?? String(column), numberOf(cell) ?? cell)
    }
    leaves.end()
  }
  return leaves.records.length > 0 ? leaves.decoded('csv', 'index') : null
}

/** The same for text nobody has called CSV; `null` unless it can hardly be anything else. */
export function findCsv(text: string, topic: string): Decoded | null {
  // Cumulocity SmartREST: the template's number, then its values.
  if (/^(?:c8y\/)?s\/[a-z]{2}(?:\/|$)/.test(topic) && /^\d{2,4},/.test(text)) {
    return decodeCsv(text, { delimiter: ',', header: false })
  }
  // Markup, whatever separates its text.
  if (text.startsWith('<')) return null
  // Three digits behind each comma: one number, as people write thousands.
  if (/^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text)) return null
  const lines = linesOf(text)
  if (lines.length === 0) return null
  for (const delimiter of delimiters) {
    if (!lines[0]?.includes(delimiter)) continue
    const rows = lines.map((line) => splitRow(line, delimiter))
    if (rows.some((row) => row === null)) return null
    return isTable(rows as string[][], delimiter) ? decodeCsv(text, { delimiter }) : null
  }
  return null
}

const delimiters = [';', '\t', ',']

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '')
}

/** RFC 4180; `null` when a quote is left open. */
function splitRow(line: string, delimiter: string): string[] | null {
  if (!line.includes('"')) return line.split(delimiter).map((cell) => cell.trim())
  const cells: string[] = []
  let at = 0
  while (at <= line.length) {
    const quoted = /^\s*"/.exec(line.slice(at, at + 8))
    let cell = ''
    if (quoted) {
      at += quoted[0].length
      for (;;) {
        const end = line.indexOf('"', at)
        if (end === -1) return null
        cell += line.slice(at, end)
        at = end + 1
        if (line[at] !== '"') break
        cell += '"'
        at++
      }
      const next = line.indexOf(delimiter, at)
      if (line.slice(at, next === -1 ? undefined : next).trim() !== '') return null
      at = next === -1 ? line.length + 1 : next + delimiter.length
    } else {
      const next = line.indexOf(delimiter, at)
      cell = line.slice(at, next === -1 ? undefined : next).trim()
      at = next === -1 ? line.length + 1 : next + delimiter.length
    }
    cells.push(cell)
  }
  return cells
}

function isTable(rows: readonly string[][], delimiter: string): boolean {
  const columns = rows[0]?.length ?? 0
  const cells = rows.flat()
  const numbers = cells.filter((cell) => numberOf(cell) !== null)
  if (rows.some((row) => row.length !== columns) || numbers.length === 0) return false
  // Sentences: cells of many words.
  if (cells.some((cell) => cell.length > 128 || cell.split(' ').length > 3)) return false
  if (columns >= 3) return delimiter !== ',' || !isDecimalComma(rows)
  if (columns !== 2) return false
  if (rows.length > 1) return looksLikeHeader(rows)
  if (numbers.length < 2) return false
  // 12,5 may be one number, and 1.234,5 too; a point beside the comma says otherwise.
  return delimiter !== ',' || (cells.some((cell) => cell.includes('.')) && !isGerman(cells))
}

/** Points between groups of three, a comma before the decimals. */
function isGerman([first = '', second = '']: readonly string[]): boolean {
  return /^[+-]?\d{1,3}(?:\.\d{3})+$/.test(first) && /^\d+$/.test(second)
}

/** 1,234,567 is one number in groups of three. */
function isDecimalComma(rows: readonly string[][]): boolean {
  return rows.every(
    ([first = '', ...rest]) =>
      /^[+-]?\d{1,3}$/.test(first) && rest.every((cell) => /^\d{3}(?:\.\d+)?$/.test(cell)),
  )
}

/** Names in the first line, and a number below at least one of them. */
function looksLikeHeader(rows: readonly string[][]): boolean {
  const [first = [], second] = rows
  if (!second || new Set(first).size !== first.length) return false
  const names = first.every((cell) => /^[\p{L}_][^\n]*$/u.test(cell) && numberOf(cell) === null)
  return names && second.some((cell) => numberOf(cell) !== null)
}
