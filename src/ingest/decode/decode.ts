// What a payload says, as a flat object: every scalar leaf of JSON at its dotted path, a bare value as `value`.
// null, NaN and empty are missing: never 0, never text. Integers beyond 2^53 keep every digit.

import type { Fields, FieldValue } from '../../domain/reading.ts'
import { readJson } from './json.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text longer than this is not looked into: it has no fields. */
const payloadBytesMax = 1_048_576
const bareTextMax = 1024

/** The fields of a payload, or `null` when it has none: empty, binary, too long, or nothing but missing values. */
export function decodeFields(_topic: string, payload: Uint8Array): Fields | null {
  if (payload.length === 0 || payload.length > payloadBytesMax) return null
  let text: string
  try {
    text = utf8.decode(payload)
  } catch {
    return null
  }
  const fields = Object.create(null) as Fields
  const leaves = readJson(text.replace(/^\ufeff/, ''), (path, value) => {
    fields[path] = value
  })
  if (leaves !== null) return leaves > 0 ? fields : null
  const bare = bareValue(text.trim())
  if (bare === null) return null
  fields['value'] = bare
  return fields
}

function bareValue(text: string): FieldValue | null {
  if (text === '' || text.length > bareTextMax || /^(nan|null|none|undefined|[+-]?inf(inity)?)$/i.test(text))
    return null
  if (/[^\P{Cc}\t\n\r]/u.test(text)) return null
  // Broken or cut JSON is kept raw; the whole of it as one text would be no value of the device.
  if (/^(\{|\[\s*["{[])/.test(text)) return null
  // What JSON does not write but devices do: +1, .5, 1., 007.
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    const number = Number(text)
    if (/^[+-]?\d{16,}$/.test(text) && !Number.isSafeInteger(number)) return BigInt(text.replace('+', ''))
    return Number.isFinite(number) ? number : null
  }
  return text
}
