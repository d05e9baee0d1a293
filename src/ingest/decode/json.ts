// Reads the scalar leaves of JSON text (RFC 8259) with their dotted paths, exactly: an integer that a double would round is
// a bigint. Depth and number of leaves are bounded, so that a small message cannot become a large one.

import type { FieldValue } from '../../domain/reading.ts'

const depthMax = 32
const leavesMax = 10_000

/**
 * Calls `onLeaf` for every number, boolean and string, last of duplicate keys last; `null` and "NaN" are left out.
 * The number of leaves, or `null` when the text is not JSON or beyond the bounds (then some leaves may have been called).
 */
export function readJson(text: string, onLeaf: (path: string, value: FieldValue) => void): number | null {
  let root: unknown
  try {
    root = JSON.parse(/\d{16}/.test(text) ? keepIntegers(text) : text)
  } catch {
    return null
  }
  const found: [string, FieldValue][] = []
  const isLeaf = typeof root !== 'object' || root === null
  if (!walk(root, isLeaf ? 'value' : '', 0, found)) return null
  for (const [path, value] of found) onLeaf(path, value)
  return found.length
}

/** Marks integers of sixteen and more digits, outside strings, so that no digit is lost to a double. */
function keepIntegers(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${integerMark}${token}"` : token,
  )
}

/** No device sends this private-use character at the start of a string; JSON text that has it is read plainly. */
const integerMark = '\uf8ff#'

function walk(value: unknown, path: string, depth: number, found: [string, FieldValue][]): boolean {
  if (found.length > leavesMax || depth > depthMax) return false
  if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) {
      if (!walk(child, depth === 0 ? key : `${path}.${key}`, depth + 1, found)) return false
    }
    return true
  }
  if (typeof value === 'number' || typeof value === 'boolean') found.push([path, value])
  else if (typeof value === 'string' && !/^nan$/i.test(value)) {
    found.push([path, value.startsWith(integerMark) ? BigInt(value.slice(integerMark.length)) : value])
  }
  return true
}
