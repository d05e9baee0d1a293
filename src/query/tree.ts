// Topics as a tree, a level at a time: the names below a prefix, found by jumping from one to the next in the sorted list, so
// that a level costs as much as its names and not as much as all that lies below them.

import { setImmediate as turn } from 'node:timers/promises'
import type { ReadingStore } from '../store/store.ts'
import type { Ceiling } from './ceiling.ts'
import { decodeTopicCursor, encodeTopicCursor, markOf } from './cursor.ts'
import { checkListing, type Listing, type Page, type PageLimits } from './listing.ts'

/** A name on one level of the tree. */
export interface TreeNode {
  name: string
  /** Whether a topic ends here. */
  isTopic: boolean
  /** Whether there are topics below. */
  hasChildren: boolean
}

export interface TreeListing extends Omit<Listing, 'filters' | 'minSeq'> {
  /** The level below this topic; `null`: the first. */
  below: string | null
}

/** What the tree is read with. */
interface TreeContext {
  store: Pick<ReadingStore, 'topics'>
  under: Ceiling
  limits: PageLimits
}

/** A page of one level, under the ceiling. */
export async function answerTree(
  { store, under, limits }: TreeContext,
  { below, mayRead, limit, cursor, signal: gone }: TreeListing,
): Promise<Page<TreeNode>> {
  checkListing({ filters: below === null ? [] : [`${below}/#`], mayRead, limit }, limits)
  const mark = markOf(['tree', below])
  const after = cursor === undefined ? null : decodeTopicCursor(mark, cursor).topic
  const work = async (signal: AbortSignal): Promise<Page<TreeNode>> => {
    const { nodes, next } = await readTree(store, { below, mayRead, limit, after, signal })
    return { rows: nodes, limit, next: next === null ? null : encodeTopicCursor(mark, { topic: next }) }
  }
  return under('topics', work, gone)
}

export interface TreeQuestion {
  /** The level below this topic; `null`: the first level. */
  below: string | null
  mayRead: (topic: string) => boolean
  limit: number
  /** Where the page before ended. */
  after: string | null
  signal: AbortSignal
}

export interface TreePage {
  nodes: TreeNode[]
  /** Where the next page begins; `null` when this is the last. */
  next: string | null
}

/** Behind all that lies below a name, but for what begins with U+FFFF itself. */
const last = '/\uffff'
/** Names looked up in one turn of the event loop. */
const namesATurn = 50

export async function readTree(
  store: Pick<ReadingStore, 'topics'>,
  { below, mayRead, limit, after, signal }: TreeQuestion,
): Promise<TreePage> {
  const base = below === null ? '' : `${below}/`
  const first = async (filter: string, position: string | null): Promise<string | null> => {
    const ask = { filters: [filter], mayRead, limit: 1, signal }
    const [found] = await store.topics(position === null ? ask : { ...ask, after: position })
    return found?.topic ?? null
  }
  const nodes: TreeNode[] = []
  // `a/#` covers `a` as well [MQTT-4.7.1.2], which is not below itself.
  let position = after ?? below
  while (nodes.length < limit) {
    const topic = await first(`${base}#`, position)
    if (topic === null) return { nodes, next: null }
    const rest = topic.slice(base.length)
    const slash = rest.indexOf('/')
    const name = slash < 0 ? rest : rest.slice(0, slash)
    const path = `${base}${name}`
    // What begins with U+FFFF lies behind `last`: then the name was given, and every topic of it is passed by.
    const isInside = position?.startsWith(`${path}/`) ?? false
    position = slash < 0 || isInside ? topic : `${path}${last}`
    if (slash < 0) {
      nodes.push({ name, isTopic: true, hasChildren: (await first(`${path}/#`, path)) !== null })
    } else if (!isInside && (await first(path, null)) === null) {
      // `a`, `a!b`, `a/b` are sorted in this order: a name that is a topic was given when that came.
      nodes.push({ name, isTopic: false, hasChildren: true })
    }
    if (nodes.length % namesATurn === 0) await turn(undefined, { signal })
  }
  return { nodes, next: (await first(`${base}#`, position)) === null ? null : position }
}
