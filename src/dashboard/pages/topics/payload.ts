// A payload as text to look at, and what changed in it since the one before.

import type { LiveReading } from '../../stream.ts'
import { harmless, plural } from '../../words.ts'

/** The parts of a reading that hold its payload. */
export type Sent = Pick<LiveReading, 'payload' | 'payload_base64' | 'value'>

/** The payload as it was sent; bytes that are no text as their base64. */
export function textOf({ payload, payload_base64: base64, value }: Sent): string {
  if (payload !== undefined) return payload
  if (base64 !== undefined) return base64
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

/** The payload in a cell. */
export function briefOf(reading: Sent): string {
  const { payload_base64: base64 } = reading
  if (base64 === undefined) return harmless(textOf(reading), 240)
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return plural((base64.length * 3) / 4 - padding, 'byte')
}

/** A text so long that nobody reads it to its end is cut: the page stays quick. */
export const shownMax = 20_000

/** JSON on lines of its own, other text as it is. */
export function pretty(reading: Sent): string {
  const text = textOf(reading)
  if (text.length > shownMax) return text.slice(0, shownMax)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return text
    const lines = JSON.stringify(value, null, 2)
    // Numbers a double does not hold, and keys given twice, would be shown wrong.
    return sameTokens(text, lines) ? lines : text
  } catch {
    return text
  }
}

const withoutSpace = (text: string): string => text.replaceAll(/\s+/g, '')
const sameTokens = (a: string, b: string): boolean => withoutSpace(a) === withoutSpace(b)

export interface DiffLine {
  text: string
  kind: 'same' | 'new' | 'gone'
}

const diffLinesMax = 400

/** Lines of `now` with those of `before` that are gone, by their longest common subsequence. */
export function diffLines(before: string, now: string): DiffLine[] {
  const a = before.split('\n')
  const b = now.split('\n')
  if (a.length > diffLinesMax || b.length > diffLinesMax) return b.map((text) => ({ text, kind: 'same' }))
  const width = b.length + 1
  const lengths = new Uint16Array((a.length + 1) * width)
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ text: b[j++] ?? '', kind: 'same' })
      i++
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ text: a[i++] ?? '', kind: 'gone' })
    } else lines.push({ text: b[j++] ?? '', kind: 'new' })
  }
  return lines
}
