// From payload to fields: what a payload is, cheap tests first, and what it says. Pure: the payload is never changed, nothing
// it holds makes this throw, and what is not certain has no fields rather than wrong ones.

import type { Fields } from '../../domain/reading.ts'
import { readCbor } from './cbor.ts'
import { decodeCollectd } from './collectd.ts'
import { type CsvOptions, decodeCsv, findCsv } from './csv.ts'
import {
  type Decoded,
  decodeBytesMax,
  type Format,
  type FormatName,
  Leaves,
  mergedFields,
  nothing,
  TooLarge,
} from './decoded.ts'
import { decodeDsmr } from './dsmr.ts'
import { decodeForm } from './form.ts'
import { decodeHdlc } from './hdlc.ts'
import { decodeInflux } from './influx.ts'
import { readJson } from './json.ts'
import { decodeGraphite, decodePrometheus } from './metricLines.ts'
import { readMsgpack } from './msgpack.ts'
import { isNmea } from './nmea.ts'
import { decodePairs } from './pairs.ts'
import { decodeScalar } from './scalar.ts'
import { decodeSenml } from './senml.ts'
import { decodeSml } from './sml.ts'
import { decodeSparkplug, parseSparkplugTopic } from './sparkplug.ts'
import type { Aliases } from './sparkplugAliases.ts'
import { latinOf, textOf, utf16Of, withoutMark, withoutNuls } from './text.ts'

export interface DecodeOptions {
  topic: string
  /** What relative times count from; without it they are no times. */
  receivedAt?: number
  /** `auto` unless a rule says otherwise. */
  format?: FormatName
  csv?: CsvOptions
  /** What birth certificates have said; without it no alias is known. */
  aliases?: Aliases
  /** For `protobuf`: reads the message type a rule names. Throws on bytes that are none. */
  protobuf?: (payload: Uint8Array) => unknown
}

/** Everything a payload says. Never throws for what the payload holds. */
export function decode(payload: Uint8Array, options: DecodeOptions): Decoded {
  const format = options.format ?? 'auto'
  if (payload.length === 0) return nothing('empty', 'deletion')
  if (payload.length > decodeBytesMax) return nothing('binary', 'too_large')
  try {
    if (format === 'auto') return decodeAuto(payload, options)
    if (format === 'text' || format === 'binary') return nothing(format)
    return decodeAs(format, payload, options) ?? nothing(format, 'invalid')
  } catch (error) {
    if (error instanceof TooLarge) return nothing(format === 'auto' ? 'json' : format, 'too_large')
    throw error
  }
}

/** The fields of a payload as one flat object, or `null` when it has none. */
export function decodeFields(topic: string, payload: Uint8Array): Fields | null {
  return mergedFields(decode(payload, { topic }))
}

function decodeAuto(payload: Uint8Array, options: DecodeOptions): Decoded {
  const first = payload[0] ?? 0
  const { topic } = options
  const number = isDigit(first) || first === minus ? plainNumber(payload) : null
  if (number !== null && !topic.startsWith('spBv1.0/')) return treeOf('scalar', number)
  const sparkplug = topic.startsWith('spBv1.0/') ? parseSparkplugTopic(topic) : null
  if (sparkplug) {
    const decoded = decodeSparkplug(payload, sparkplug, options.aliases)
    if (decoded) return decoded
  }
  const wide = payload[1] === 0 || first >= 0xfe ? utf16Of(payload) : null
  if (wide !== null) return mended(decodeText(wide, options))
  // Text does not begin with a control character other than blank space.
  const mayBeText = first >= 0x20 || (first >= 0x09 && first <= 0x0d)
  const text = mayBeText ? textOf(payload) : null
  if (text !== null) return decodeText(text, options)
  const decoded = decodeBinary(payload, options)
  const latin = mayBeText && decoded.format === 'binary' ? latinOf(payload) : null
  return latin === null ? decoded : mended(decodeText(latin, options))
}

/** A bare number as most devices write it: no other format begins so and has no more. */
function plainNumber(payload: Uint8Array): number | null {
  if (payload.length > 15) return null
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1')
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text) ? Number(text) : null
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

function mended(made: Decoded): Decoded {
  return made.marks.includes('mended') ? made : { ...made, marks: [...made.marks, 'mended'] }
}

function decodeBinary(payload: Uint8Array, options: DecodeOptions): Decoded {
  const first = payload[0] ?? 0
  let list: Decoded | null = null
  // CBOR that says so [RFC 8949, 3.4.6].
  if (first === 0xd9 && payload[1] === 0xd9 && payload[2] === 0xf7) {
    const cbor = readCbor(payload)
    const senml = cbor && decodeSenml(cbor.value, 'senml-cbor', options.receivedAt)
    return senml ?? (cbor ? treeOf('cbor', cbor.value) : nothing('binary'))
  }
  if (first === 0x7e) return decodeHdlc(payload) ?? nothing('binary')
  if (first === 0x1b) return decodeSml(payload) ?? nothing('binary')
  if (first === 0x08) return decodeSparkplug(payload, null) ?? nothing('binary')
  if (first >> 5 === 4 || first >> 5 === 5) {
    const cbor = readCbor(payload)
    const senml = cbor && decodeSenml(cbor.value, 'senml-cbor', options.receivedAt)
    if (senml) return senml
    if (cbor && first >> 5 === 5 && hasNames(cbor.value)) return treeOf('cbor', cbor.value)
    list = cbor && areNamed(cbor.value) ? treeOf('cbor', cbor.value) : null
  }
  if (first >> 4 === 8 || first === 0xde || first === 0xdf) {
    const msgpack = readMsgpack(payload)
    // With a number for a name it may as well be the beginning of a list in CBOR.
    const isSure = msgpack && hasNames(msgpack.value) && !Object.keys(msgpack.value as object).some(isDigits)
    if (isSure) return treeOf('msgpack', msgpack.value)
  }
  if (list) return list
  if (first >> 4 === 9 || first === 0xdc || first === 0xdd) {
    const msgpack = readMsgpack(payload)
    if (msgpack && areNamed(msgpack.value)) return treeOf('msgpack', msgpack.value)
  }
  return nothing('binary')
}

/** A map with printable names at its top: bytes that only happen to parse do not have them. */
function hasNames(value: unknown): boolean {
  const names = Object.keys(value as object)
  return names.length > 0 && names.every((name) => name !== '' && !/\p{Cc}/u.test(name))
}

const isDigits = (name: string): boolean => /^\d+$/.test(name)

/** A list of nothing but such maps. */
function areNamed(value: unknown): boolean {
  const isMap = (one: unknown): boolean => typeof one === 'object' && one !== null && !Array.isArray(one)
  return Array.isArray(value) && value.length > 0 && value.every((one) => isMap(one) && hasNames(one))
}

function decodeText(text: string, options: DecodeOptions): Decoded {
  // Buffers of C programs end in NUL.
  const trimmed = withoutNuls(withoutMark(text)).trim()
  const first = trimmed.charCodeAt(0)
  if (first === openBrace || first === openBracket || first === quote) {
    const decoded = decodeJson(trimmed, options) ?? decodeCString(trimmed, options)
    if (decoded) return decoded
    // Broken JSON is kept raw; the whole of it as one text would be no value of the device. A time in brackets begins a log line.
    const isLog = /^\[[\d:.T -]{5,32}\] ?[A-Za-z]/.test(trimmed)
    if (!isLog && /^(?:\{|\[\s*["{[\d-])/.test(trimmed)) return nothing('json', 'invalid')
  } else if (trimmed === 'true' || trimmed === 'false') {
    return treeOf('scalar', trimmed === 'true')
  } else if (first === slash && trimmed.includes('\n')) {
    const decoded = decodeDsmr(text)
    if (decoded) return decoded
  } else if ((first === exclamation || first === dollar) && isNmea(trimmed)) {
    return nothing('nmea')
  }
  return (
    (trimmed.includes('=') ? (decodeInflux(trimmed) ?? decodeForm(trimmed)) : null) ??
    decodeCollectd(trimmed) ??
    decodeGraphite(trimmed) ??
    decodePrometheus(trimmed) ??
    decodePairs(trimmed) ??
    findCsv(trimmed, options.topic) ??
    decodeScalar(trimmed)
  )
}

/** JSON in a buffer of a C program: it ends at the first NUL, whatever a longer message left behind it. */
function decodeCString(text: string, options: DecodeOptions): Decoded | null {
  const end = text.indexOf('\0')
  const decoded = end === -1 ? null : decodeJson(text.slice(0, end), options)
  return decoded && !decoded.marks.includes('truncated') ? mended(decoded) : null
}

function decodeJson(text: string, { receivedAt }: DecodeOptions): Decoded | null {
  const json = readJson(text)
  if (!json) return null
  const [root] = json.documents
  if (json.documents.length === 1 && typeof root === 'object' && !json.truncated) {
    const senml = decodeSenml(root, 'senml-json', receivedAt)
    if (senml) return json.mended ? { ...senml, marks: [...senml.marks, 'mended'] } : senml
  }
  const leaves = new Leaves()
  for (const document of json.documents) {
    leaves.setTree(document)
    leaves.end()
  }
  if (json.mended) leaves.marks.add('mended')
  if (json.truncated) leaves.marks.add('truncated')
  const bare = typeof root !== 'object' || root === null
  return leaves.decoded(json.documents.length > 1 ? 'json-lines' : bare ? 'scalar' : 'json', 'index')
}

function decodeAs(
  format: Exclude<FormatName, 'auto' | 'text' | 'binary'>,
  payload: Uint8Array,
  options: DecodeOptions,
): Decoded | null {
  if (format === 'sparkplug-b') {
    const at = parseSparkplugTopic(options.topic)
    return decodeSparkplug(
      payload,
      at ?? { type: '', source: '', node: '' },
      at ? options.aliases : undefined,
    )
  }
  if (format === 'hdlc-dlms') return decodeHdlc(payload)
  if (format === 'sml') return decodeSml(payload)
  if (format === 'protobuf') return decodeProtobuf(payload, options)
  if (format === 'cbor' || format === 'senml-cbor') {
    const cbor = readCbor(payload)
    if (format === 'cbor') return cbor && treeOf('cbor', cbor.value)
    return cbor && decodeSenml(cbor.value, 'senml-cbor', options.receivedAt)
  }
  if (format === 'msgpack') {
    const msgpack = readMsgpack(payload)
    return msgpack && treeOf('msgpack', msgpack.value)
  }
  const whole = textOf(payload)
  if (whole === null) return null
  const text = withoutMark(whole).trim()
  if (format === 'json' || format === 'json-lines') return decodeJson(text, options)
  if (format === 'senml-json') {
    const json = readJson(text)
    return json && decodeSenml(json.documents[0], 'senml-json', options.receivedAt)
  }
  if (format === 'influx-line') return decodeInflux(text)
  if (format === 'csv') return decodeCsv(text, options.csv)
  if (format === 'form') return decodeForm(text, 1)
  if (format === 'collectd') return decodeCollectd(withoutNuls(text))
  if (format === 'graphite') return decodeGraphite(text)
  if (format === 'prometheus') return decodePrometheus(text)
  if (format === 'pairs') return decodePairs(text)
  return format === 'dsmr-p1' ? decodeDsmr(text) : decodeScalar(text)
}

function decodeProtobuf(payload: Uint8Array, { protobuf }: DecodeOptions): Decoded | null {
  if (!protobuf) return null
  let tree: unknown
  try {
    tree = protobuf(payload)
  } catch {
    return null
  }
  return treeOf('protobuf', tree)
}

function treeOf(format: Format, tree: unknown): Decoded {
  const leaves = new Leaves()
  leaves.setTree(tree)
  return leaves.decoded(format)
}

const exclamation = 33
const quote = 34
const dollar = 36
const minus = 45
const slash = 47
const openBracket = 91
const openBrace = 123
