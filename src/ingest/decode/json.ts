// JSON text (RFC 8259) as a tree, exactly: an integer that a double would round is a bigint. JSON that C programs print
// wrong (a bare NaN, a comma too many) or that a small buffer cut is read where only one reading of it is possible.

import { depthMax, TooLarge } from './decoded.ts'

export interface ScannedJson {
  /** One value, or several documents one after another. Objects have no prototype or none that matters. */
  documents: unknown[]
  /** Not quite JSON, but only one reading of it is possible. */
  mended: boolean
  /** The text ends before the JSON does; what was not complete is left out. */
  truncated: boolean
}

/** The documents in `text`, or `null` when it is not JSON. Throws `TooLarge` beyond the depth allowed. */
export function readJson(text: string): ScannedJson | null {
  // What was cut off shows it at its end: no exception is needed to find out.
  if (!isCut(text) && !/\d{16}/.test(text)) {
    try {
      return { documents: [JSON.parse(text) as unknown], mended: false, truncated: false }
    } catch {
      // The scanner below says what can be made of it.
    }
  }
  const scanner = new Scanner(text)
  try {
    return scanner.documents()
  } catch (error) {
    if (error === broken) return null
    throw error
  }
}

/** An object or array whose last character does not close it. */
function isCut(text: string): boolean {
  const first = text.charCodeAt(0)
  if (first !== openBrace && first !== openBracket) return false
  let at = text.length - 1
  while (at > 0 && text.charCodeAt(at) <= 0x20) at--
  return text.charCodeAt(at) !== first + 2
}

const broken = new Error('not JSON')
const numberToken = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const wordToken = /[+-]?[A-Za-z][A-Za-z]*/y
/** What printf of Windows writes behind `1.` and `nan` of a number that is none. */
const windowsTail = /#(?:IND|INF|QNAN|SNAN)\d{0,9}|\((?:ind|snan)\)/y
const literals = ['true', 'false', 'null', 'nan', 'NaN', 'Infinity']
const strictNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const missingWord = /^[+-]?(?:nan|inf|infinity)$|^(?:null|none|undefined|ovf)$/i

/** Reads from left to right, each character once. */
class Scanner {
  readonly #text: string
  #at = 0
  #mended = false
  #truncated = false

  constructor(text: string) {
    this.#text = text
  }

  documents(): ScannedJson {
    const documents: unknown[] = []
    do {
      this.#space()
      const first = this.#text.charCodeAt(this.#at)
      // A second document of bare words or numbers would be text.
      if (documents.length > 0 && first !== openBrace && first !== openBracket) throw broken
      documents.push(this.#value(0))
      this.#space()
    } while (this.#at < this.#text.length && !this.#truncated)
    const [only] = documents
    if (documents.length > 1 && (typeof only !== 'object' || only === null)) throw broken
    return { documents, mended: this.#mended, truncated: this.#truncated }
  }

  /** The value here; `undefined` for one that is missing or cut off. */
  #value(depth: number): unknown {
    if (depth > depthMax) throw new TooLarge()
    const first = this.#text.charCodeAt(this.#at)
    if (first === openBrace) return this.#object(depth)
    if (first === openBracket) return this.#array(depth)
    if (first === quote) return this.#string()
    const number = this.#token(numberToken)
    if (number !== '') return this.#number(number, depth)
    const word = this.#token(wordToken)
    if (word !== '') return this.#word(word, depth)
    if (this.#at >= this.#text.length) return this.#cut()
    throw broken
  }

  #object(depth: number): unknown {
    const object = Object.create(null) as Record<string, unknown>
    this.#at++
    for (;;) {
      this.#space()
      const next = this.#text.charCodeAt(this.#at)
      if (next === closeBrace) return this.#close(object)
      if (this.#at >= this.#text.length) return this.#cut(object)
      if (next !== quote) throw broken
      const key = this.#string()
      this.#space()
      if (key === undefined || this.#at >= this.#text.length) return this.#cut(object)
      if (this.#text.charCodeAt(this.#at) !== colon) throw broken
      this.#at++
      this.#space()
      const after = this.#text.charCodeAt(this.#at)
      if (after === comma || after === closeBrace) this.#mended = true
      else object[key] = this.#value(depth + 1)
      if (this.#truncated) return object
      if (!this.#comma(closeBrace)) return object
    }
  }

  #array(depth: number): unknown {
    const array: unknown[] = []
    this.#at++
    for (;;) {
      this.#space()
      if (this.#text.charCodeAt(this.#at) === closeBracket) return this.#close(array)
      if (this.#at >= this.#text.length) return this.#cut(array)
      array.push(this.#value(depth + 1))
      if (this.#truncated) return array
      if (!this.#comma(closeBracket)) return array
    }
  }

  #close<T>(container: T): T {
    this.#at++
    return container
  }

  /** Whether another member follows; a comma before the end is one too many. */
  #comma(close: number): boolean {
    this.#space()
    const next = this.#text.charCodeAt(this.#at)
    if (this.#at >= this.#text.length) {
      this.#truncated = true
      return false
    }
    this.#at++
    if (next === close) return false
    if (next !== comma) throw broken
    this.#space()
    if (this.#text.charCodeAt(this.#at) === close) this.#mended = true
    return true
  }

  /** The string here without its quotes; `undefined` when the text ends first. */
  #string(): string | undefined {
    const text = this.#text
    const from = ++this.#at
    let plain = true
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === quote) {
        this.#at = at + 1
        return plain ? text.slice(from, at) : this.#unescape(text.slice(from, at))
      }
      if (code === backslash) {
        plain = false
        at++
      } else if (code < 0x20) {
        plain = false
        this.#mended = true
      }
    }
    this.#at = text.length
    return this.#cut()
  }

  #unescape(raw: string): string {
    const safe = raw.replaceAll(controls, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    try {
      return JSON.parse(`"${safe}"`) as string
    } catch {
      throw broken
    }
  }

  #number(token: string, depth: number): unknown {
    if (token.endsWith('.') && this.#token(windowsTail) !== '') return this.#missing()
    const end = this.#at >= this.#text.length
    // In the last number of a text that was cut, digits may be missing.
    if (end && depth > 0) return this.#cut()
    if (!end && !isDelimiter(this.#text.charCodeAt(this.#at))) throw broken
    if (/^-?[1-9]\d{15,}$/.test(token)) {
      const exact = Number(token)
      return Number.isSafeInteger(exact) ? exact : BigInt(token)
    }
    if (strictNumber.test(token)) return Number(token)
    this.#mended = true
    // 007 may be a number with zeros in front, octal, or no number at all.
    return /^[+-]?0\d/.test(token) ? undefined : Number(token)
  }

  #word(word: string, depth: number): unknown {
    const isCut = depth > 0 && this.#at >= this.#text.length
    if (isCut && literals.some((whole) => whole !== word && whole.startsWith(word))) return this.#cut()
    if (word === 'true' || word === 'false') return word === 'true'
    if (word === 'null') return null
    if (!missingWord.test(word) && word !== 'True' && word !== 'False') throw broken
    if (/nan$/i.test(word)) this.#token(windowsTail)
    this.#mended = true
    return word === 'True' ? true : word === 'False' ? false : undefined
  }

  #missing(): undefined {
    this.#mended = true
    return undefined
  }

  #cut<T>(sofar?: T): T | undefined {
    this.#truncated = true
    return sofar
  }

  #token(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const token = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += token.length
    return token
  }

  /** Blank space; also the NULs of a C buffer and the separators of RFC 7464. */
  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09 && code !== 0 && code !== 0x1e)
        return
      this.#at++
    }
  }
}

function isDelimiter(code: number): boolean {
  return code === comma || code === closeBrace || code === closeBracket || code <= 0x20
}

// oxlint-disable-next-line no-control-regex -- these are the characters JSON forbids inside strings
const controls = /[\u0000-\u001f]/g
const quote = 34
const comma = 44
const colon = 58
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125
