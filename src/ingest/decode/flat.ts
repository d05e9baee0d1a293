// The most frequent payload, known without decoding: one flat JSON object of plain numbers and booleans, written as
// JSON.stringify would write it. Its text is then the text of its fields, too. Read byte by byte: an answer of a thousand
// readings asks it of each.

/** More members, or a longer text, are decoded as ever. */
const membersMax = 16
const bytesMax = 512
const nameMax = 41
/** So many digits before the point, and behind it, are written alike by everybody. */
const wholeMax = 9
const placesMax = 6

/** Where each name begins and ends, of the payload that is being read. */
const starts = new Uint16Array(membersMax)
const ends = new Uint16Array(membersMax)

/** The text of such a payload, or `null`. What it answers is what `decodeFields` would have come to, as JSON. */
export function flatText(topic: string, payload: Uint8Array): string | null {
  const { length } = payload
  if (length < 7 || length > bytesMax || payload[0] !== openBrace || payload[length - 1] !== closeBrace)
    return null
  // What devices of this kind send is protobuf, whatever it looks like.
  if (topic.startsWith('spBv1.0/')) return null
  let at = 1
  for (let member = 0; member < membersMax; member++) {
    const end = nameEnd(payload, at)
    // Of equal names only the last counts.
    if (end < 0 || payload[end + 1] !== colon || isTaken(payload, at + 1, end, member)) return null
    at = valueEnd(payload, end + 2)
    if (at < 0) return null
    const behind = payload[at++]
    if (behind === closeBrace) return at === length ? textOf(payload) : null
    if (behind !== comma) return null
  }
  return null
}

/** Of the name in quotes that begins `at`, where its second quote is; or -1: a letter, then letters, digits, `_` and `-`. */
function nameEnd(payload: Uint8Array, at: number): number {
  if (payload[at] !== quote || kinds[payload[at + 1] ?? 0] !== letter) return -1
  let end = at + 2
  while (kinds[payload[end] ?? 0] !== other) end++
  return payload[end] === quote && end - at - 1 <= nameMax ? end : -1
}

function isTaken(payload: Uint8Array, start: number, end: number, member: number): boolean {
  for (let before = 0; before < member; before++) {
    let a = starts[before] as number
    const last = ends[before] as number
    if (last - a !== end - start) continue
    let b = start
    while (a < last && payload[a] === payload[b]) [a, b] = [a + 1, b + 1]
    if (a === last) return true
  }
  starts[member] = start
  ends[member] = end
  return false
}

/** Where the number or boolean ends that begins `at`; or -1. */
function valueEnd(payload: Uint8Array, from: number): number {
  let at = from
  const first = payload[at]
  if (first === 0x74) return wordEnd(payload, at, words.true)
  if (first === 0x66) return wordEnd(payload, at, words.false)
  if (first === minus) at++
  const start = at
  while (isDigit(payload[at])) at++
  const whole = at - start
  if (whole === 0 || whole > wholeMax || (whole > 1 && payload[start] === zero)) return -1
  if (payload[at] !== point) return first === minus && payload[start] === zero ? -1 : at
  const places = ++at
  while (isDigit(payload[at])) at++
  // A last zero would not be written.
  return at === places || at - places > placesMax || payload[at - 1] === zero ? -1 : at
}

function wordEnd(payload: Uint8Array, at: number, word: Uint8Array): number {
  for (let i = 0; i < word.length; i++) if (payload[at + i] !== word[i]) return -1
  return at + word.length
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= 0x39

function textOf(payload: Uint8Array): string {
  const bytes =
    payload instanceof Buffer ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  return bytes.toString('latin1')
}

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const zero = 0x30
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const words = { true: Buffer.from('true'), false: Buffer.from('false') }

const [other, letter, inner] = [0, 1, 2]
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  const text = String.fromCharCode(byte)
  return /[A-Za-z]/.test(text) ? letter : /[\w-]/.test(text) ? inner : other
})
