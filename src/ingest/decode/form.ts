// Forms (application/x-www-form-urlencoded), as weather stations report what they send to a web server: `tempf=72.3&humidity=45`.
// Names and values of one record; text that is not wholly a form is none.

import { type Decoded, Leaves } from './decoded.ts'
import { isMissing, numberOf } from './scalar.ts'

const pair = /^[A-Za-z_][\w.[\]-]*=[\w.~%+:,;@!$'()*/\\|-]*$/
const pairsMax = 10_000

/** `null` when `text` is no form of at least `least` pairs. */
export function decodeForm(text: string, least = 2): Decoded | null {
  const pairs = text.split('&', pairsMax + 1)
  if (pairs.length < least || pairs.length > pairsMax || !pairs.every((one) => pair.test(one))) return null
  const leaves = new Leaves()
  for (const one of pairs) {
    const at = one.indexOf('=')
    const raw = one.slice(at + 1)
    const value = plainText(raw)
    if (value === null) return null
    if (value !== '' && !isMissing(value)) leaves.set(one.slice(0, at), numberOf(raw) ?? value)
  }
  leaves.end()
  return leaves.records.length > 0 ? leaves.decoded('form') : null
}

/** `null` for an escape that is none. A plus in front is a sign, or of a phone number. */
function plainText(raw: string): string | null {
  try {
    return decodeURIComponent(raw.replaceAll(/(?!^)\+/g, ' '))
  } catch {
    return null
  }
}
