// Where a line stops being InfluxDB line protocol, and why: read a part at a time, and only for lines that were refused.

import { fieldValue, lineCharsMax } from './influx.ts'

export interface LineFault {
  /** Of the character, from 1. */
  column: number
  message: string
}

/** What is wrong with a line that `decodeInflux` refuses. */
export function influxFault(line: string): LineFault {
  if (line.length > lineCharsMax)
    return { column: lineCharsMax + 1, message: `a line has at most ${lineCharsMax} characters` }
  const reader = new Reader(line)
  return (
    measurementFault(reader) ??
    fieldsFault(reader) ??
    timeFault(reader) ??
    reader.fault('this is not line protocol')
  )
}

class Reader {
  readonly #line: string
  at = 0

  constructor(line: string) {
    this.#line = line
  }

  peek(): string {
    return this.#line[this.at] ?? ''
  }

  /** Up to one of the characters, if it is not escaped; a character after a backslash stands for itself. */
  until(ends: string): string {
    const from = this.at
    while (this.at < this.#line.length && !ends.includes(this.peek())) this.at += this.peek() === '\\' ? 2 : 1
    this.at = Math.min(this.at, this.#line.length)
    return this.#line.slice(from, this.at)
  }

  /** Passes by spaces; whether there was one. */
  spaces(): boolean {
    const from = this.at
    while (this.peek() === ' ') this.at++
    return this.at > from
  }

  fault(message: string, at = this.at): LineFault {
    return { column: at + 1, message }
  }

  get rest(): string {
    return this.#line.slice(this.at)
  }
}

function measurementFault(reader: Reader): LineFault | null {
  if (reader.until(' ,="') === '') return reader.fault('the measurement is missing')
  if (reader.peek() === '=' || reader.peek() === '"')
    return reader.fault(`a ${reader.peek()} in the name of a measurement is written \\${reader.peek()}`)
  while (reader.peek() === ',') {
    reader.at++
    const from = reader.at
    const key = reader.until(' ,="')
    if (key === '') return reader.fault('a tag has no name')
    if (reader.peek() !== '=') return reader.fault(`the tag "${shown(key)}" has no =value`, from)
    reader.at++
    if (reader.until(' ,=') === '') return reader.fault(`the tag "${shown(key)}" has no value`)
    if (reader.peek() === '=') return reader.fault('a = in the value of a tag is written \\=')
  }
  return null
}

function fieldsFault(reader: Reader): LineFault | null {
  reader.spaces()
  if (reader.rest === '') return reader.fault('there is no field: a space and name=value are missing')
  for (;;) {
    const from = reader.at
    const key = reader.until(' ,="')
    if (key === '') return reader.fault('a field has no name')
    if (reader.peek() !== '=') return reader.fault(`the field "${shown(key)}" has no =value`, from)
    reader.at++
    const wrong = valueFault(reader, key)
    if (wrong) return wrong
    if (reader.peek() !== ',') return null
    reader.at++
  }
}

function valueFault(reader: Reader, key: string): LineFault | null {
  const from = reader.at
  if (reader.peek() === '"') {
    reader.at++
    reader.until('"')
    if (reader.peek() !== '"')
      return reader.fault(`the text of the field "${shown(key)}" has no closing "`, from)
    reader.at++
    if (reader.peek() === '' || reader.peek() === ' ' || reader.peek() === ',') return null
    return reader.fault(`after the text of the field "${shown(key)}" comes neither a comma nor a space`)
  }
  const value = reader.until(' ,')
  if (value === '') return reader.fault(`the field "${shown(key)}" has no value`)
  if (fieldValue(value) !== undefined) return null
  return reader.fault(
    `the value ${shown(value)} of the field "${shown(key)}" is no number, no boolean and no "text" in quotes`,
    from,
  )
}

function timeFault(reader: Reader): LineFault | null {
  reader.spaces()
  const { rest } = reader
  if (rest === '' || /^-?\d{1,19}$/.test(rest)) return null
  return reader.fault(`the time ${shown(rest)} is no whole number of at most 19 digits`)
}

function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
