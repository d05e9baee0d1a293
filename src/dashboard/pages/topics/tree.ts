// The tree of topics as the rows that are open, loaded level by level from the server: what nobody opens is never asked for.

import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, isReachable } from '../../api.ts'
import { type Page, urlOf } from '../../listing.ts'
import { attempt } from '../../parts/toast.tsx'

export interface Node {
  name: string
  topic: string
  is_topic: boolean
  has_children: boolean
}

interface Level {
  nodes: Node[]
  /** Cursor of the names not loaded yet. */
  next: string | null
}

/** One row of the list. */
export interface TreeRow {
  key: string
  depth: number
  /** `null`: the place where more of a level is loaded. */
  node: Node | null
  isOpen: boolean
  /** The level it is on; `null`: the first. */
  below: string | null
}

export interface Tree {
  rows: readonly TreeRow[]
  isLoading: boolean
  toggle: (node: Node) => void
  more: (below: string | null) => void
}

const pageSize = 500
const freshMs = 5000
const rootKey = '\0'

export function useTree(): Tree {
  const [levels, setLevels] = useState<ReadonlyMap<string, Level>>(new Map())
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [isLoading, setLoading] = useState(true)
  const asked = useRef(new Set<string>())
  const openNow = useRef(open)
  const levelsNow = useRef(levels)
  openNow.current = open
  levelsNow.current = levels

  const load = async (below: string | null, cursor: string | null): Promise<void> => {
    const key = `${below ?? rootKey}\n${cursor ?? ''}`
    if (asked.current.has(key)) return
    asked.current.add(key)
    await attempt(async () => {
      const query = { below: below ?? undefined, limit: pageSize, cursor: cursor ?? undefined }
      const { data, page } = await ask<Page<Node>>(urlOf('/api/v1/tree', query))
      setLevels((before) => {
        const known = cursor === null ? [] : (before.get(below ?? rootKey)?.nodes ?? [])
        return new Map(before).set(below ?? rootKey, { nodes: [...known, ...data], next: page.next })
      })
    }, null)
    asked.current.delete(key)
    setLoading(false)
  }
  // New topics show up without a reload; a level that was read on over its first page stays as it is.
  useEffect(() => {
    void load(null, null)
    return keepFresh(async () => {
      for (const below of [null, ...openNow.current]) {
        if ((levelsNow.current.get(below ?? rootKey)?.nodes.length ?? 0) <= pageSize) await load(below, null)
      }
    })
  }, [])

  const rows: TreeRow[] = []
  const add = (below: string | null, depth: number): void => {
    const level = levels.get(below ?? rootKey)
    for (const node of level?.nodes ?? []) {
      const isOpen = open.has(node.topic)
      rows.push({ key: `n${node.topic}`, depth, node, isOpen, below })
      if (isOpen) add(node.topic, depth + 1)
    }
    if (level?.next) rows.push({ key: `m${below ?? rootKey}`, depth, node: null, isOpen: false, below })
  }
  add(null, 0)

  return {
    rows,
    isLoading,
    toggle(node) {
      const next = new Set(open)
      if (next.delete(node.topic)) return setOpen(next)
      next.add(node.topic)
      setOpen(next)
      if (!levels.has(node.topic)) void load(node.topic, null)
    },
    more(below) {
      const level = levels.get(below ?? rootKey)
      if (level?.next) void load(below, level.next)
    },
  }
}

/** Levels cost the server as much as they have names, so they are loaded when it has other topics than before. */
function keepFresh(load: () => Promise<void>): () => void {
  let known: number | null = null
  let isBusy = false
  const refresh = async (): Promise<void> => {
    const { store } = await ask<{ store: { topics: number } }>('/api/v1/stats')
    if (store.topics === known) return
    await load()
    known = isReachable.value ? store.topics : null
  }
  const timer = setInterval(() => {
    if (document.hidden || !isReachable.value || isBusy) return
    isBusy = true
    void refresh()
      .catch(() => (known = null))
      .finally(() => (isBusy = false))
  }, freshMs)
  return () => clearInterval(timer)
}
