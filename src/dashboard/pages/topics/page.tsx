// All topics as a tree or as what a search found, and beside it the one that is chosen.

import { useEffect, useState } from 'preact/hooks'
import { rows } from '../../listing.ts'
import { Icon } from '../../parts/icon.tsx'
import { Sparkline } from '../../parts/sparkline.tsx'
import { VirtualList } from '../../parts/virtualList.tsx'
import { now, usePoll } from '../../poll.ts'
import { goTo, route } from '../../route.ts'
import { between, useStill } from '../../still.ts'
import type { LiveReading } from '../../stream.ts'
import { formatAge, formatTime, harmless } from '../../words.ts'
import { TopicDetail } from './detail.tsx'
import { type Outlook, useOutlook } from './outlook.ts'
import { briefOf } from './payload.ts'
import { type Tree, type TreeRow, useTree } from './tree.ts'

const rowHeight = 32
const valuesEveryMs = 1000
/** How long a list stands still before its values are asked for. */
const restMs = 120
/** As many as one request may name. */
const valuesMax = 100
const foundMax = 500
const typingMs = 250

export function TopicsPage() {
  const selected = route.value.params.get('topic')
  const [typed, setTyped] = useState(route.value.params.get('q') ?? '')
  const [search, setSearch] = useState(typed)
  useEffect(() => {
    const timer = setTimeout(() => setSearch(typed), typingMs)
    return () => clearTimeout(timer)
  }, [typed])
  const tree = useTree()
  const found = usePoll(
    () => rows<{ topic: string }>('/api/v1/topics', { q: search, limit: foundMax }),
    null,
    search === '' ? null : search,
  )
  const list = search === '' ? tree.rows : foundRows(found.data.value ?? [])
  const select = (topic: string): void => goTo('topics', { topic, q: typed })
  const isLoading = search === '' ? tree.isLoading : found.data.value === null
  return (
    <section class="page full">
      <div class="head">
        <h1>Topics</h1>
        <input
          type="search"
          placeholder="Part of a topic"
          aria-label="Search topics"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </div>
      <div class={selected === null ? 'split' : 'split has-detail'}>
        <section class="card flush split-list" aria-label="List of topics">
          {list.length === 0 ? (
            <p class="empty">
              {isLoading ? 'Loading…' : search === '' ? 'No topics yet.' : 'No topic holds that.'}
            </p>
          ) : (
            <TopicList list={list} selected={selected} select={select} tree={tree} />
          )}
          {search !== '' && list.length === foundMax && (
            <p class="small quiet list-foot">The first {foundMax}; type more to find others.</p>
          )}
        </section>
        {selected !== null && (
          <TopicDetail key={selected} topic={selected} onClose={() => goTo('topics', { q: typed })} />
        )}
      </div>
    </section>
  )
}

interface ListProps {
  list: readonly TreeRow[]
  selected: string | null
  select: (topic: string) => void
  tree: Tree
}

function TopicList({ list, selected, select, tree }: ListProps) {
  const [range, setRange] = useState({ first: 0, end: 0 })
  const inSight = topicsOf(list.slice(range.first, range.end))
  const known = useValues(inSight)
  const outlooks = useOutlook(inSight)
  const index = list.findIndex(({ node }) => node?.topic === selected)
  return (
    <VirtualList
      items={list}
      rowHeight={rowHeight}
      keyOf={({ key }) => key}
      label="Topics"
      role="tree"
      reveal={index}
      onRange={(first, end) => setRange({ first, end })}
      onKeyDown={(event) => moveBy(event, { list, index, select, tree })}
      row={(row) => (
        <TopicRow
          row={row}
          selected={selected}
          reading={row.node ? known.get(row.node.topic) : undefined}
          outlook={row.node ? outlooks.get(row.node.topic) : undefined}
          select={select}
          tree={tree}
        />
      )}
    />
  )
}

function foundRows(found: readonly { topic: string }[]): TreeRow[] {
  return found.map(({ topic }) => ({
    key: `f${topic}`,
    depth: 0,
    isOpen: false,
    below: null,
    node: { name: topic, topic, is_topic: true, has_children: false },
  }))
}

function topicsOf(shown: readonly TreeRow[]): string[] {
  return shown.flatMap(({ node }) => (node?.is_topic ? [node.topic] : [])).slice(0, valuesMax)
}

/** The newest readings of the topics in sight, asked for as long as they are, and not while they rush by. */
function useValues(topics: readonly string[]): ReadonlyMap<string, LiveReading> {
  const key = useStill(topics.join(between), restMs)
  const { data } = usePoll(
    () => rows<LiveReading>('/api/v1/latest', { topic: key.split(between), raw: 1, limit: valuesMax }),
    valuesEveryMs,
    key === '' ? null : key,
  )
  return new Map((data.value ?? []).map((reading) => [reading.topic, reading]))
}

interface RowProps {
  row: TreeRow
  selected: string | null
  reading: LiveReading | undefined
  outlook: Outlook | undefined
  select: (topic: string) => void
  tree: Tree
}

function TopicRow({ row, selected, reading, outlook, select, tree }: RowProps) {
  const { node, depth, isOpen, below } = row
  const indent = { paddingLeft: `${8 + depth * 16}px` }
  if (node === null) {
    return (
      <button type="button" class="tree-more" style={indent} onClick={() => tree.more(below)}>
        More of this level…
      </button>
    )
  }
  const isSelected = node.topic === selected
  const toggle = (event: Event): void => {
    event.stopPropagation()
    if (node.has_children) tree.toggle(node)
  }
  return (
    <div
      class={isSelected ? 'tree-row selected' : 'tree-row'}
      style={indent}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={isSelected}
      aria-expanded={node.has_children ? isOpen : undefined}
      title={harmless(node.topic)}
      onClick={() => (node.is_topic ? select(node.topic) : tree.toggle(node))}
    >
      <span class={isOpen ? 'twist open' : 'twist'} onClick={toggle}>
        {node.has_children && <Icon name="chevron" />}
      </span>
      <bdi class={node.is_topic ? 'clip tree-name' : 'clip tree-name branch'}>
        {node.name === '' ? '(empty)' : harmless(node.name)}
      </bdi>
      {reading && (
        <>
          <bdi class="mono clip tree-value">
            {briefOf(reading)}
            {outlook?.unit ? ` ${harmless(outlook.unit, 12)}` : ''}
          </bdi>
          <span class="tree-spark">
            {outlook && outlook.values.length > 0 && (
              <Sparkline
                values={outlook.values}
                label={`${harmless(outlook.field, 40)}, the last hour`}
                width={64}
                height={20}
              />
            )}
          </span>
          <time class="small quiet tree-age" dateTime={reading.time} title={formatTime(reading.time)}>
            {formatAge(now.value - Date.parse(reading.time))}
          </time>
        </>
      )}
    </div>
  )
}

interface Moving {
  list: readonly TreeRow[]
  index: number
  select: (topic: string) => void
  tree: Tree
}

/** The keys of a tree (WAI-ARIA, tree view pattern). */
function moveBy(event: KeyboardEvent, { list, index, select, tree }: Moving): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step !== undefined) {
    event.preventDefault()
    for (let i = index + step; i >= 0 && i < list.length; i += step) {
      const node = list[i]?.node
      if (node) return select(node.topic)
    }
    return
  }
  const node = list[index]?.node
  if (!node?.has_children) return
  const isOpen = list[index]?.isOpen ?? false
  if ((event.key === 'ArrowRight' && !isOpen) || (event.key === 'ArrowLeft' && isOpen)) {
    event.preventDefault()
    tree.toggle(node)
  }
}
