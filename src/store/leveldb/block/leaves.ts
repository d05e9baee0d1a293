// The scalar leaves of a JSON payload: for the few that have no shape (many leaves, deep, a layout seen once). Slower than
// matching a shape.

import { payloadLeavesMax, payloadLevelsMax } from '../../leafLimits.ts'
import { mayBeJson } from './groups.ts'
import { leafKind, readJson, stringText } from './json.ts'

export type LeafValue = string | number | boolean | null

/**
 * Calls `visit` with each leaf's path and value, where paths meet with the one that counts last, and answers true;
 * false when bytes[start…end) is no JSON, or more than counts.
 */
export function visitLeaves(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (path: string, value: LeafValue) => void,
): boolean {
  if (!mayBeJson(bytes, start, end)) return false
  const leaves = readJson(bytes, start, end, limits)
  if (typeof leaves !== 'object') return false
  for (const [leaf, path] of leaves.paths.entries()) {
    if (path !== null)
      visit(path, leafValue(bytes, leaves.kinds[leaf]!, leaves.starts[leaf]!, leaves.ends[leaf]!))
  }
  return true
}

const limits = { leavesMax: payloadLeavesMax, depthMax: payloadLevelsMax }

/** The value of a leaf; numbers are doubles, infinite where JSON.parse makes them so. */
export function leafValue(bytes: Uint8Array, kind: number, start: number, end: number): LeafValue {
  if (kind === leafKind.string) return stringText(bytes, start, end)
  const token = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
  if (kind === leafKind.number) return Number(token)
  return token === 'null' ? null : token === 'true'
}
