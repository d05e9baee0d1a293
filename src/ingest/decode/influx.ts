// InfluxDB line protocol: `measurement[,tag=value…] field=value[,field=value…] [time]`, one record a line. Text that is not
// wholly line protocol is none.

import { type Decoded, Leaves } from './decoded.ts'

const part = String.raw`(?:[^\s,=\\"]|\\[^])+`
const tagPattern = `,(${part})=((?:[^\\s,=\\\\]|\\\\[^])+)`
const valuePattern = String.raw`"(?:[^"\\]|\\[^])*"|[^\s,"]+`
const fieldPattern = `(${part})=(${valuePattern})`
const line = new RegExp(
  `^((?:[^\\s,=\\\\"]|\\\\[^])+)((?:,${part}=(?:[^\\s,=\\\\]|\\\\[^])+)*) +(${part}=(?:${valuePattern})(?:,${part}=(?:${valuePattern}))*)(?: +(-?\\d{1,19}))?$`,
)
export const lineCharsMax = 65_536

/** `null` when `text` is no line protocol. */
export function decodeInflux(text: string): Decoded | null {
  const lines = text.split('\n').map((one) => one.replace(/\r$/, '').trim())
  const leaves = new Leaves()
  for (const one of lines) {
    if (one === '' || one.startsWith('#')) continue
    if (one.length > lineCharsMax) return null
    const found = line.exec(one)
    if (!found) return null
    const [, measurement = '', tagText = '', fieldText = '', timeText] = found
    for (const [, name = '', raw = ''] of fieldText.matchAll(new RegExp(fieldPattern, 'g'))) {
      const value = fieldValue(raw)
      if (value === undefined) return null
      leaves.set(unescape(name), value)
    }
    const tags: Record<string, string> = Object.create(null) as Record<string, string>
    tags['measurement'] = unescape(measurement)
    for (const [, name = '', value = ''] of tagText.matchAll(new RegExp(tagPattern, 'g'))) {
      tags[unescape(name)] = unescape(value)
    }
    leaves.end({ time: timeText === undefined ? null : timeOf(timeText), tags })
  }
  return leaves.records.length > 0 ? leaves.decoded('influx-line', 'index') : null
}

/** `undefined` for what is no value of the protocol. */
export function fieldValue(raw: string): unknown {
  if (raw.startsWith('"')) return raw.slice(1, -1).replaceAll(/\\(["\\])/g, '$1')
  if (/^-?\d+[iu]$/.test(raw)) {
    const integer = BigInt(raw.slice(0, -1))
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
  }
  if (/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(raw)) return Number(raw)
  // Not of the protocol, but printf writes it.
  if (/^[+-]?(?:nan|inf)$/i.test(raw)) return null
  if (/^(?:t|T|true|True|TRUE)$/.test(raw)) return true
  if (/^(?:f|F|false|False|FALSE)$/.test(raw)) return false
  return undefined
}

function unescape(text: string): string {
  return text.replaceAll(/\\([,= "\\])/g, '$1')
}

/** Nanoseconds unless the number is too small for this century: then micro-, milliseconds or seconds. */
function timeOf(text: string): number {
  const digits = text.replace('-', '').length
  const divisor = digits >= 18 ? 1_000_000n : digits >= 15 ? 1000n : 1n
  const value = BigInt(text)
  return digits <= 11 ? Number(value) * 1000 : Number(value / divisor)
}
