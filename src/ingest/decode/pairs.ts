// Lists of names and values as sketches print them: `temp=21.5 hum=40%`, `T:21.5;H:40`, a line for each. One record; text that is not wholly such a
// list is none.

import { type Decoded, Leaves } from './decoded.ts'
import { amountOf, isMissing, numberOf } from './scalar.ts'

const equation = /^([A-Za-z_][\w.[\]-]{0,127})=([^\s=;"'<>{}]{0,256})$/
const colonPair = /^([A-Za-z_][\w.-]{0,127}):[ \t]{0,8}([^\s:]{1,64}(?: [^\s:]{1,10})?)$/
const separators = [/;\s{0,8}/, /,\s{0,8}/, /\r?\n/, /\s{1,8}/]
const charsMax = 16_384

/**
 * `null` when `text` is no list of at least two pairs. A colon stands in times, addresses and sentences too: with it every value
 * must be a number, alone or with its unit.
 */
export function decodePairs(text: string): Decoded | null {
  if (text.length > charsMax || !/^[A-Za-z_][\w.[\]-]{0,127}[=:]/.test(text)) return null
  for (const separator of separators) {
    const parts = text.split(separator)
    if (parts.at(-1) === '') parts.pop()
    if (parts.length < 2) continue
    const isEquation = parts.every((one) => equation.test(one))
    const pairs = parts.map((one) => (isEquation ? equation : colonPair).exec(one))
    if (pairs.some((pair) => pair === null)) continue
    const leaves = new Leaves()
    const units = Object.create(null) as Record<string, string>
    for (const [, name = '', value = ''] of pairs as RegExpExecArray[]) {
      const number = numberOf(value)
      const amount = number === null ? amountOf(value) : null
      if (!isEquation && number === null && !amount && !isMissing(value)) return null
      if (amount) units[name] = amount.unit
      if (value !== '' && !isMissing(value)) leaves.set(name, number ?? amount?.value ?? wordOf(value))
    }
    leaves.end(Object.keys(units).length > 0 ? { time: null, units } : undefined)
    return leaves.records.length > 0 ? leaves.decoded('pairs') : null
  }
  return null
}

function wordOf(value: string): string | boolean {
  return value === 'true' || value === 'false' ? value === 'true' : value
}
