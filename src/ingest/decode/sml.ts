// Telegrams of German electricity meters (Smart Message Language, BSI TR-03109-1, annex): OBIS code → value with its scaler and unit.
// A telegram whose checksum does not fit has no fields.
//
//   1B 1B 1B 1B | 01 01 01 01 | message … | 00 … | 1B 1B 1B 1B | 1A fill | CRC
//   message: list of transaction, group, abort, body, CRC, 00;  body: list of tag, response

import { Bytes, exactInteger, Malformed } from './bytes.ts'
import { crcX25 } from './crc.ts'
import { type Decoded, Leaves, nothing } from './decoded.ts'

type Item = bigint | boolean | Uint8Array | Item[] | null

/** `null` when `payload` is no telegram. */
export function decodeSml(payload: Uint8Array): Decoded | null {
  const { length } = payload
  const end = length - 8
  if (end < 8 || !isEscape(payload, 0) || !isEscape(payload, end) || payload[end + 4] !== 0x1a) return null
  for (let at = 4; at < 8; at++) if (payload[at] !== 1) return null
  const fill = payload[end + 5] ?? 0
  const sum = (payload[length - 2] ?? 0) | ((payload[length - 1] ?? 0) << 8)
  if (fill > 3 || crcX25(payload.subarray(0, -2)) !== sum) return nothing('sml', 'checksum')
  try {
    return fieldsOf(new Bytes(unescaped(payload.subarray(8, end - fill))))
  } catch (error) {
    if (error instanceof Malformed) return nothing('sml', 'invalid')
    throw error
  }
}

const getListResponse = 0x0701n
/** What an entry of a list holds, in order: code, status, time, unit, scaler, value, signature. */
const entryLength = 7

function isEscape(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < from + 4; at++) if (bytes[at] !== 0x1b) return false
  return true
}

/** Four escape bytes in a message are sent twice. */
function unescaped(bytes: Uint8Array): Uint8Array {
  const plain = new Uint8Array(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    if (isEscape(bytes, at)) {
      if (!isEscape(bytes, at + 4)) throw new Malformed()
      plain.fill(0x1b, length, length + 4)
      length += 4
      at += 7
    } else plain[length++] = bytes[at] as number
  }
  return plain.subarray(0, length)
}

function fieldsOf(bytes: Bytes): Decoded {
  const leaves = new Leaves()
  const units: Record<string, string> = Object.create(null) as Record<string, string>
  while (!bytes.done) {
    const message = item(bytes, 0)
    // Bytes that fill the last group of four are ends of messages, too.
    if (!Array.isArray(message)) continue
    const [tag, response] = listOf(message[3])
    if (tag !== getListResponse) continue
    for (const entry of listOf(listOf(response)[4])) setEntry(leaves, units, listOf(entry))
  }
  leaves.end({ time: null, units })
  return leaves.decoded('sml')
}

function setEntry(leaves: Leaves, units: Record<string, string>, entry: readonly Item[]): void {
  const [name, , , unit, scaler, value] = entry
  const code = entry.length === entryLength ? obisOf(name) : null
  if (code === null || value === undefined || value === null || Array.isArray(value)) return
  if (typeof value === 'bigint') {
    const exponent = typeof scaler === 'bigint' ? Number(scaler) : 0
    leaves.set(code, exponent === 0 ? exactInteger(value) : Number(`${value}e${exponent}`))
    const sign = typeof unit === 'bigint' ? unitNames.get(unit) : undefined
    if (sign !== undefined) units[code] = sign
  } else leaves.set(code, value instanceof Uint8Array ? textOf(value) : value)
}

/** DLMS/COSEM units (IEC 62056-6-2, table 4) that meters send. */
const unitNames = new Map([
  [8n, '°'],
  [9n, '°C'],
  [13n, 'm³'],
  [27n, 'W'],
  [28n, 'VA'],
  [29n, 'var'],
  [30n, 'Wh'],
  [31n, 'VAh'],
  [32n, 'varh'],
  [33n, 'A'],
  [35n, 'V'],
  [44n, 'Hz'],
])

/** Of electricity, heat, gas and water; codes of makers have no common meaning. */
function obisOf(name: Item | undefined): string | null {
  if (!(name instanceof Uint8Array) || name.length !== 6) return null
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = name
  if (a > 9) return null
  return `${a}-${b}:${c}.${d}.${e}${f === 255 ? '' : `*${f}`}`
}

/** Words as they are, numbers of devices as hexadecimal text, as they stand on the meter. */
function textOf(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return null
  const words = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  return /^[\x20-\x7e]+$/.test(words) ? words : Buffer.from(words, 'latin1').toString('hex')
}

function listOf(value: Item | undefined): readonly Item[] {
  return Array.isArray(value) ? value : []
}

/** A type and a length in the first byte, and in those after it while the highest bit is set; the length counts these bytes. */
function item(bytes: Bytes, depth: number): Item {
  bytes.node(depth)
  let byte = bytes.u8()
  if (byte === 0) return null
  const type = (byte >> 4) & 7
  let length = byte & 15
  let head = 1
  while (byte & 0x80) {
    byte = bytes.u8()
    length = length * 16 + (byte & 15)
    head++
    if (head > 4) throw new Malformed()
  }
  if (type === 7) {
    if (length > bytes.left) throw new Malformed()
    return Array.from({ length }, () => item(bytes, depth + 1))
  }
  if (length < head) throw new Malformed()
  const content = bytes.take(length - head)
  if (type === 0) return head === length ? null : content
  if (type === 4) return content[0] !== 0
  if ((type !== 5 && type !== 6) || content.length === 0 || content.length > 8) throw new Malformed()
  return integer(content, type === 5)
}

function integer(bytes: Uint8Array, signed: boolean): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return signed ? BigInt.asIntN(bytes.length * 8, value) : value
}
