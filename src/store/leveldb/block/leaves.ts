// The scalar leaves of any JSON payload: for the few that have no shape (too many leaves, too deep, a layout seen once).
// Slower than matching a shape, and for payloads of any size.

import { mayBeJson } from './groups.ts'
import { leafKind, readJson, stringText } from './json.ts'

export type LeafValue = string | number | boolean | null

/**
 * Calls `visit` with each leaf's path and value, where paths meet with the one that counts last, and answers true;
 * false when bytes[start…end) is no JSON.
 */
export function visitLeaves(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (path: string, value: LeafValue) => void,
): boolean {
  if (!mayBeJson(bytes, start, end)) return false
  const leaves = readJson(bytes, start, end, limits)
  if (leaves === 'invalid') return false
  if (leaves === 'beyond') return visitParsed(bytes, start, end, visit)
  for (const [leaf, path] of leaves.paths.entries()) {
    if (path !== null)
      visit(path, leafValue(bytes, leaves.kinds[leaf]!, leaves.starts[leaf]!, leaves.ends[leaf]!))
  }
  return true
}

/** More than this is left to JSON.parse, which is faster with much and slower with what is no JSON. */
const limits = { leavesMax: 65_536, depthMax: 1024 }

/** The value of a leaf; numbers are doubles, infinite where JSON.parse makes them so. */
export function leafValue(bytes: Uint8Array, kind: number, start: number, end: number): LeafValue {
  if (kind === leafKind.string) return stringText(bytes, start, end)
  const token = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
  if (kind === leafKind.number) return Number(token)
  return token === 'null' ? null : token === 'true'
}

function visitParsed(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (path: string, value: LeafValue) => void,
): boolean {
  let root: unknown
  try {
    root = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString())
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
  if (typeof root === 'object' && root !== null) walk(root as Tree, visit)
  return true
}

type Tree = Record<string, unknown>

/** Without recursion: a payload may be nested as deep as it is long. */
function walk(root: Tree, visit: (path: string, value: LeafValue) => void): void {
  const stack = [{ node: root, keys: Object.keys(root), next: 0, prefix: '' }]
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const key = top.keys[top.next++]
    if (key === undefined) {
      stack.pop()
      continue
    }
    const child = top.node[key]
    const path = top.prefix + key
    if (typeof child === 'object' && child !== null) {
      const node = child as Tree
      stack.push({ node, keys: Object.keys(node), next: 0, prefix: `${path}.` })
    } else visit(path, child as LeafValue)
  }
}
