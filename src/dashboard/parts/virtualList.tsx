// A list of which only the rows in sight exist, so that a hundred thousand scroll like ten. All rows have one height.

import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

interface VirtualListProps<T> {
  items: readonly T[]
  rowHeight: number
  keyOf: (item: T) => string
  row: (item: T, index: number) => ComponentChildren
  /** Told which rows are in sight. */
  onRange?: (first: number, end: number) => void
  label: string
  role?: 'list' | 'tree'
  onKeyDown?: (event: KeyboardEvent) => void
  /** Index of the row to bring into sight. */
  reveal?: number
}

/** Rows made beyond the edges, so that a scroll shows no gap. */
const beyond = 8

export function VirtualList<T>(props: VirtualListProps<T>) {
  const { items, rowHeight, keyOf, row, onRange, label, role = 'list', onKeyDown, reveal } = props
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600 })
  useLayoutEffect(() => {
    const { current } = box
    if (!current) return
    const measure = (): void => setView({ top: current.scrollTop, height: current.clientHeight })
    const observer = new ResizeObserver(measure)
    observer.observe(current)
    current.addEventListener('scroll', measure, { passive: true })
    measure()
    return () => {
      observer.disconnect()
      current.removeEventListener('scroll', measure)
    }
  }, [])
  useLayoutEffect(() => {
    const { current } = box
    if (!current || reveal === undefined || reveal < 0) return
    const top = reveal * rowHeight
    if (top < current.scrollTop) current.scrollTop = top
    else if (top + rowHeight > current.scrollTop + current.clientHeight) {
      current.scrollTop = top + rowHeight - current.clientHeight
    }
  }, [reveal, rowHeight])
  const first = Math.max(0, Math.floor(view.top / rowHeight) - beyond)
  const end = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + beyond)
  useLayoutEffect(() => onRange?.(first, end), [first, end])
  return (
    <div class="virtual" ref={box} role={role} aria-label={label} tabIndex={0} onKeyDown={onKeyDown}>
      <div class="virtual-space" style={{ height: `${items.length * rowHeight}px` }}>
        {items.slice(first, end).map((item, i) => (
          <div
            key={keyOf(item)}
            class="virtual-row"
            role="presentation"
            style={{ transform: `translateY(${(first + i) * rowHeight}px)`, height: `${rowHeight}px` }}
          >
            {row(item, first + i)}
          </div>
        ))}
      </div>
    </div>
  )
}
