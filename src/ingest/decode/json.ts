// Reads the scalar leaves of JSON text (RFC 8259) with their dotted paths, exactly: an integer that a double would round is
// a bigint. Depth and number of leaves are bounded, so that a small message cannot become a large one.

import type { FieldValue } from '../../domain/reading.ts'

const depthMax = 32
const leavesMax = 10_000

/**
 * Calls `onLeaf` for every number, boolean and string, last of duplicate keys last; `null`, "NaN", a bare NaN and
 * numbers beyond a double are left out. The number of leaves, or `null` when the text is not JSON or beyond the bounds.
 */
export function readJson(text: string, onLeaf: (path: string, value: FieldValue) => void): number | null {
  const root = parse(text)
  if (root === undefined) return null
  const found: [string, FieldValue][] = []
  const isLeaf = typeof root.value !== 'object' || root.value === null
  if (!walk(root.value, isLeaf ? 'value' : '', 0, { found, tagged: root.tagged })) return null
  for (const [path, value] of found) onLeaf(path, value)
  return found.length
}

interface Parsed {
  value: unknown
  /** Whether strings and keys carry the tags of `tagTokens`. */
  tagged: boolean
}

function parse(text: string): Parsed | undefined {
  const plain = parseOnly(text)
  if (plain === undefined) {
    const mended = bareNaN.test(text) ? parseOnly(tagTokens(text)) : undefined
    return mended && { value: mended.value, tagged: true }
  }
  if (!/\d{16}/.test(text)) return { value: plain.value, tagged: false }
  return { value: JSON.parse(tagTokens(text)) as unknown, tagged: true }
}

function parseOnly(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

/** printf of a C float that is none, where JSON has only null. */
const bareNaN = /[:[,]\s*[+-]?nan\s*[\]},]/i

/**
 * Tags every string with `s` and every integer a double would round with `i`, so that no text a publisher chooses can be
 * taken for a number; a bare NaN becomes null. A string without an end is taken to the end of the text and left as it is:
 * looking for its end again from each quote in it would take quadratic time.
 */
function tagTokens(text: string): string {
  return text.replaceAll(
    /"([^"\\]*(?:\\[^][^"\\]*)*)(?:(")|\\?$)|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]?nan/gi,
    (token, string: string | undefined, end: string | undefined) => {
      if (string !== undefined) return end === undefined ? token : `"s${string}"`
      if (/nan$/i.test(token)) return 'null'
      return /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"i${token}"` : token
    },
  )
}

interface Walk {
  found: [string, FieldValue][]
  /** Whether strings and keys carry the tags of `tagTokens`. */
  tagged: boolean
}

function walk(value: unknown, path: string, depth: number, to: Walk): boolean {
  if (to.found.length > leavesMax || depth > depthMax) return false
  if (typeof value === 'object' && value !== null) {
    const strip = to.tagged && !Array.isArray(value)
    for (const [key, child] of Object.entries(value)) {
      const name = strip ? key.slice(1) : key
      if (!walk(child, depth === 0 ? name : `${path}.${name}`, depth + 1, to)) return false
    }
    return true
  }
  const leaf = to.tagged && typeof value === 'string' ? untag(value) : value
  if (typeof leaf === 'string' ? !/^nan$/i.test(leaf) : typeof leaf === 'number' && Number.isFinite(leaf)) {
    to.found.push([path, leaf as FieldValue])
  } else if (typeof leaf === 'boolean' || typeof leaf === 'bigint') to.found.push([path, leaf])
  return true
}

function untag(text: string): FieldValue {
  return text.startsWith('i') ? BigInt(text.slice(1)) : text.slice(1)
}
