// The most frequent payload, known without decoding: one flat JSON object of plain numbers and booleans, written as
// JSON.stringify would write it. Its text is then the text of its fields, too.

const member =
  /"([A-Za-z][\w-]{0,40})":(?:-?[1-9]\d{0,8}(?:\.\d{0,5}[1-9])?|-?0\.\d{0,5}[1-9]|0|true|false)([,}])/y
/** More members, or a longer text, are decoded as ever. */
const membersMax = 16
const bytesMax = 512

/** The text of such a payload, or `null`. What it answers is what `decodeFields` would have come to, as JSON. */
export function flatText(topic: string, payload: Uint8Array): string | null {
  const { length } = payload
  if (length < 7 || length > bytesMax || payload[0] !== 0x7b || payload[length - 1] !== 0x7d) return null
  // What devices of this kind send is protobuf, whatever it looks like.
  if (topic.startsWith('spBv1.0/')) return null
  const text = Buffer.from(payload.buffer, payload.byteOffset, length).toString('latin1')
  const names: string[] = []
  member.lastIndex = 1
  for (;;) {
    const found = member.exec(text)
    const name = found?.[1]
    // Of equal names only the last counts.
    if (name === undefined || names.length === membersMax || names.includes(name)) return null
    names.push(name)
    if (found?.[2] === '}') return member.lastIndex === length ? text : null
  }
}
