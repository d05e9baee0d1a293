// JSONata, the last resort of a rule: an expression over the payload's JSON whose result is decoded instead. Always with limits
// on time, depth and the length of sequences: without them one rule can stop the server.

import { createRequire } from 'node:module'
import type evaluator from 'jsonata'
import type { Fields } from '../../domain/reading.ts'
import { decodeBytesMax, Leaves, TooLarge } from '../decode/decoded.ts'
import { readJson } from '../decode/json.ts'
import type { Refusal } from './fieldStep.ts'

export type Transform = (payload: Uint8Array, fields: Fields) => Promise<Transformed>

export type Transformed = { fields: Fields } | { refusal: Refusal }

const refused = (why: string): Transformed => ({ refusal: { reason: `transform: ${why}` } })

const limits = { timeout: 50, stack: 200, sequence: 10_000 }
const expressionCharsMax = 4096
/** One call of `$pad` does not look at the clock. */
const paddedCharsMax = 10_000

/** Throws what is wrong with the expression. */
export function compileTransform(text: string): Transform {
  if (text.length > expressionCharsMax)
    throw new RangeError(`is longer than ${expressionCharsMax} characters`)
  if (/\/(?:[^/\\\n]|\\.)+\/[im]*|\$eval\b/.test(text)) {
    throw new RangeError(
      'regular expressions and $eval cannot be limited in time; use $contains and $split with text',
    )
  }
  // Loaded with the first transform: it takes a megabyte, and few servers have one.
  const jsonata = createRequire(import.meta.url)('jsonata') as typeof evaluator
  const expression = parsed(() => jsonata(text, limits), text)
  expression.registerFunction('pad', pad, '<s-ns?:s>')
  let bound: Promise<void> | null = null
  return async (payload, fields) => {
    const json = readJson(Buffer.from(payload).toString())
    let result: unknown
    try {
      bound ??= boundPictures(jsonata, expression)
      await bound
      result = await expression.evaluate(plain(json ? json.documents[0] : fields))
    } catch (error) {
      if (error instanceof TooLong) return refused(error.message)
      const { code = 'failed' } = error as { code?: string }
      return refused(code === 'D1012' ? 'took too long' : code)
    }
    const leaves = new Leaves()
    try {
      leaves.setTree(plain(result))
    } catch (error) {
      if (error instanceof TooLarge) return refused('its result is too large')
      throw error
    }
    const made = leaves.decoded('json').records[0]?.fields ?? (Object.create(null) as Fields)
    let chars = 0
    for (const name in made) chars += typeof made[name] === 'string' ? made[name].length : 0
    return chars > decodeBytesMax ? refused('its result is too large') : { fields: made }
  }
}

/** The library throws objects that are no errors. */
function parsed<T>(parse: () => T, text: string): T {
  try {
    return parse()
  } catch (error) {
    const { message = 'it is no JSONata', position } = error as { message?: string; position?: number }
    const near =
      position === undefined
        ? ''
        : ` at character ${position}, behind ${JSON.stringify(text.slice(Math.max(0, position - 20), position))}`
    throw new RangeError(`${message.replace(/\.$/, '')}${near}`)
  }
}

class TooLong extends Error {}

/** As JSONata has it: to the width given, by characters, in front where that is negative. */
function pad(text: string, width: number, filler = ' '): string {
  if (Math.abs(width) > paddedCharsMax) throw new TooLong(`$pad to more than ${paddedCharsMax} characters`)
  const left = Math.abs(width) - Array.from(text).length
  if (left <= 0) return text
  const fill = filler === '' ? [' '] : Array.from(filler)
  const added = Array.from({ length: left }, (_, at) => fill[at % fill.length]).join('')
  return width < 0 ? added + text : text + added
}

/** Functions that format by a picture, with their signatures; one call of them does not look at the clock. */
const byPicture = {
  formatNumber: '<n-so?:s>',
  formatInteger: '<n-s:s>',
  parseInteger: '<s-s:n>',
  fromMillis: '<n-s?s?:s>',
  toMillis: '<s-s?:n>',
}
const pictureCharsMax = 256

/** A picture may come from the payload: a long one takes seconds, and a width in it makes a text of that width. */
async function boundPictures(jsonata: typeof evaluator, expression: evaluator.Expression): Promise<void> {
  for (const [name, signature] of Object.entries(byPicture)) {
    const built = (await jsonata(`$${name}`).evaluate({})) as {
      implementation: (...args: unknown[]) => unknown
    }
    const checked = function (this: unknown, ...args: unknown[]): unknown {
      const picture = typeof args[1] === 'string' ? args[1] : ''
      const isWide = name === 'fromMillis' && /,[^\]]*\d{4}/.test(picture)
      if (picture.length > pictureCharsMax || isWide) {
        const most = `${pictureCharsMax} characters, or a width above 999`
        throw new TooLong(`$${name} with a picture of more than ${most}`)
      }
      return built.implementation.apply(this, args)
    }
    expression.registerFunction(name, checked, signature)
  }
}

/** JSONata asks objects for their prototype, and knows no bigint; what it notes on its sequences (`sequence: true`) is no member. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]))
}
