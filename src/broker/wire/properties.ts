// MQTT 5 properties as bytes [MQTT-2.2.2]: which identifiers a packet may carry, of which type, how often, in which range.
// Checked before the parser, which takes any of them anywhere and loses a second one.

import { type Fault, malformed, protocolError } from './fault.ts'
import { utf8Fault } from './text.ts'

/** User properties: their order counts and names may repeat [MQTT-3.1.3-10, 3.3.2-18]. */
export type Pairs = readonly (readonly [string, string])[]

type Type = 'byte' | 'flag' | 'two' | 'four' | 'varint' | 'text' | 'binary' | 'pair'

export type Holder =
  | 'connect'
  | 'will'
  | 'publish'
  | 'ack'
  | 'subscribe'
  | 'unsubscribe'
  | 'disconnect'
  | 'auth'

interface Rule {
  type: Type
  in: readonly Holder[]
  notZero?: true
}

/** Table 2-4, the part a client may send. */
const rules = new Map<number, Rule>([
  [0x01, { type: 'flag', in: ['publish', 'will'] }],
  [0x02, { type: 'four', in: ['publish', 'will'] }],
  [0x03, { type: 'text', in: ['publish', 'will'] }],
  [0x08, { type: 'text', in: ['publish', 'will'] }],
  [0x09, { type: 'binary', in: ['publish', 'will'] }],
  [0x0b, { type: 'varint', in: ['subscribe'], notZero: true }],
  [0x11, { type: 'four', in: ['connect', 'disconnect'] }],
  [0x15, { type: 'text', in: ['connect', 'auth'] }],
  [0x16, { type: 'binary', in: ['connect', 'auth'] }],
  [0x17, { type: 'flag', in: ['connect'] }],
  [0x18, { type: 'four', in: ['will'] }],
  [0x19, { type: 'flag', in: ['connect'] }],
  [0x1f, { type: 'text', in: ['ack', 'disconnect', 'auth'] }],
  [0x21, { type: 'two', in: ['connect'], notZero: true }],
  [0x22, { type: 'two', in: ['connect'] }],
  [0x23, { type: 'two', in: ['publish'] }],
  [
    0x26,
    {
      type: 'pair',
      in: ['connect', 'will', 'publish', 'ack', 'subscribe', 'unsubscribe', 'disconnect', 'auth'],
    },
  ],
  [0x27, { type: 'four', in: ['connect'], notZero: true }],
])

const userProperty = 0x26

export interface Checked {
  fault: Fault | null
  /** Just behind the properties. */
  end: number
}

/** Checks the properties that start at `at`; they must end at or before `limit`. */
export function checkProperties(
  bytes: Buffer,
  at: number,
  limit: number,
  holder: Holder,
  onPair?: (name: string, value: string) => void,
): Checked {
  const length = readVarint(bytes, at, limit)
  if (length === null) return bad(malformed('the length of the properties is malformed [MQTT-1.5.5-1]'))
  const end = length.end + length.value
  if (end > limit) return bad(malformed('properties are longer than the packet'))
  const seen = new Set<number>()
  let position = length.end
  while (position < end) {
    const id = bytes[position] as number
    const rule = rules.get(id)
    if (rule === undefined || !rule.in.includes(holder)) {
      return bad(malformed(`property 0x${id.toString(16)} has no place in this packet [MQTT-2.2.2-2]`))
    }
    if (id !== userProperty && seen.has(id)) {
      return bad(protocolError(`property 0x${id.toString(16)} comes twice [MQTT-2.2.2]`))
    }
    seen.add(id)
    const value = checkValue(bytes, position + 1, end, rule)
    if (value.fault !== null) return value
    if (id === userProperty && onPair !== undefined) tellPair(bytes, position + 1, value.end, onPair)
    position = value.end
  }
  return { fault: null, end }
}

function tellPair(
  bytes: Buffer,
  at: number,
  end: number,
  onPair: (name: string, value: string) => void,
): void {
  const nameEnd = at + 2 + bytes.readUInt16BE(at)
  onPair(bytes.toString('utf8', at + 2, nameEnd), bytes.toString('utf8', nameEnd + 2, end))
}

function checkValue(bytes: Buffer, at: number, limit: number, rule: Rule): Checked {
  const { type } = rule
  if (type === 'text' || type === 'binary') return checkBlob(bytes, at, limit, type === 'text')
  if (type === 'pair') {
    const name = checkBlob(bytes, at, limit, true)
    return name.fault === null ? checkBlob(bytes, name.end, limit, true) : name
  }
  if (type === 'varint') {
    const number = readVarint(bytes, at, limit)
    if (number === null) return bad(malformed('a variable byte integer is malformed [MQTT-1.5.5-1]'))
    if (number.value === 0)
      return bad(protocolError('a subscription identifier must not be 0 [MQTT-3.8.2.1.2]'))
    return { fault: null, end: number.end }
  }
  const size = type === 'four' ? 4 : type === 'two' ? 2 : 1
  if (at + size > limit) return bad(malformed('a property is cut short'))
  const value = bytes.readUIntBE(at, size)
  if (type === 'flag' && value > 1) return bad(protocolError('a flag property must be 0 or 1'))
  if (rule.notZero && value === 0) return bad(protocolError('a property that must not be 0 is 0'))
  return { fault: null, end: at + size }
}

/** A length of two bytes and as many bytes. */
export function checkBlob(bytes: Buffer, at: number, limit: number, isText: boolean): Checked {
  if (at + 2 > limit) return bad(malformed('the packet is cut short'))
  const end = at + 2 + bytes.readUInt16BE(at)
  if (end > limit) return bad(malformed('a field is longer than its packet'))
  const fault = isText ? utf8Fault(bytes, at + 2, end) : null
  return fault === null ? { fault: null, end } : bad(malformed(fault))
}

/** A variable byte integer of at most four bytes, in the fewest [MQTT-1.5.5-1]; `null` when it is none. */
export function readVarint(bytes: Buffer, at: number, limit: number): { value: number; end: number } | null {
  let value = 0
  for (let i = 0; i < 4 && at + i < limit; i++) {
    const byte = bytes[at + i] as number
    value += (byte & 0x7f) * 128 ** i
    if (byte < 0x80) return i > 0 && byte === 0 ? null : { value, end: at + i + 1 }
  }
  return null
}

function bad(fault: Fault): Checked {
  return { fault, end: 0 }
}
