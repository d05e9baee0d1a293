// Smart meter telegrams of the P1 port (DSMR 2 to 5) and of optical heads (IEC 62056-21): OBIS code → value. Values with a unit are
// numbers, others text; a telegram whose checksum does not fit is marked.

import { unitOf } from '../../domain/units.ts'
import { type Decoded, Leaves } from './decoded.ts'

/** `1-0:1.8.0*255(…)`; of optical heads also `1.8.0(…)` and `F.F(…)`. */
const line =
  /^((?:\d{1,3}-\d{1,3}:)?(?:\d{1,3}|[A-Z])\.(?:\d{1,3}|[A-Z])(?:\.\d{1,3})?(?:[*&]\d{1,3})?)((?:\([^()]*\))+)$/
const amount = /^([+-]?\d+(?:\.\d+)?)\*([^*]{1,10})$/
/** YYMMDDhhmmss and W or S for winter and summer time. */
const clock = /^\d{12}[WS]$/
/** Counters that carry no unit: failures, sags and swells. */
const counter = /^\d+-\d+:(?:96\.7\.\d+|(?:32|52|72)\.(?:32|36)\.0)$/
const identification = /^\/[\x20-\x7e]{4,80}\r?\n/
/** Gas of DSMR 2: the unit, and the value in a line of its own. */
const unitThenValue = /\(([^()]{1,10})\)\((\d+(?:\.\d+)?)\)$/
/** What stands behind the exclamation mark; a buffer of a C program may end in NULs. */
const trailer = /^([0-9A-Fa-f]{4}|)[\s\0]*$/
const linesMax = 1000

/** `null` when `text` is no telegram. */
export function decodeDsmr(text: string): Decoded | null {
  const end = text.lastIndexOf('!') + 1
  const [, checksum] = trailer.exec(text.slice(end)) ?? []
  if (end === 0 || checksum === undefined || !identification.test(text)) return null
  const body = text.slice(0, end)
  const lines = joined(body.split(/\r?\n/).slice(1, -1))
  if (lines.length > linesMax) return null
  const values = new Map<string, string>()
  const repeated = new Set<string>()
  for (const one of lines) {
    const [, code, groups = ''] = line.exec(one) ?? []
    if (code === undefined || code.includes(':99.')) continue
    const value = lastGroup(groups)
    if (value === '') continue
    if (values.has(code) && values.get(code) !== value) repeated.add(code)
    values.set(code, value)
  }
  const leaves = new Leaves()
  const units: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [code, value] of values) {
    if (repeated.has(code)) {
      leaves.marks.add('dropped')
      continue
    }
    const [, digits, unit] = amount.exec(value) ?? []
    if (digits !== undefined && unit !== undefined) {
      leaves.set(code, Number(digits))
      units[code] = unit
    } else if (counter.test(code) && /^\d+$/.test(value)) leaves.set(code, Number(value))
    else if (!clock.test(value)) leaves.set(code, value)
  }
  if (checksum !== '' && crc16(Buffer.from(body, 'latin1')) !== Number.parseInt(checksum, 16)) {
    leaves.marks.add('checksum')
  }
  leaves.end({ time: timeOf(lines), units })
  return leaves.records.length > 0 ? leaves.decoded('dsmr-p1') : null
}

/** `0-0:1.0.0(261124120000W)`: Central European winter or summer time. */
function timeOf(lines: readonly string[]): number | null {
  for (const one of lines) {
    const [, season, ...parts] =
      /^0-[01]:1\.0\.0\((?=\d{12}([WS])\))(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(one) ?? []
    if (season === undefined) continue
    const [year = 0, month = 0, ...rest] = parts.map(Number)
    const [day = 0, hour = 0, minute = 0, second = 0] = rest
    const local = Date.UTC(2000 + year, month - 1, day, hour, minute, second)
    const isDate = new Date(local).getUTCDate() === day && month <= 12 && hour < 24 && minute < 60
    return isDate ? local - (season === 'S' ? 7_200_000 : 3_600_000) : null
  }
  return null
}

/** A line that begins with a bracket belongs to the one before. */
function joined(lines: readonly string[]): string[] {
  const whole: string[] = []
  for (const one of lines) {
    if (one.startsWith('(') && whole.length > 0) whole.push(`${whole.pop() ?? ''}${one}`)
    else whole.push(one)
  }
  return whole
}

/** Of `(time)(value)`, which M-Bus meters send, the value. */
function lastGroup(groups: string): string {
  const [, unit = '', digits = ''] = unitThenValue.exec(groups.slice(-128)) ?? []
  return unitOf(unit) === null ? groups.slice(groups.lastIndexOf('(') + 1, -1) : `${digits}*${unit}`
}

/** CRC-16/ARC over everything up to and with the exclamation mark (DSMR 5, 6.2). */
function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}
