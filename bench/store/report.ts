// The table of a run, in markdown: what was measured, what it must be, and the peers beside it.

export interface Row {
  what: string
  /** At least this, in words. */
  goal: string
  amber: string
  /** What it is held against, and their ratio. */
  peers: Record<string, string>
  ratio: string
  isMet: boolean
}

export function tableOf(rows: readonly Row[], peers: readonly string[]): string {
  const head = ['', 'goal', 'Amber', ...peers, 'ratio', '']
  const lines = rows.map(({ what, goal, amber, peers: others, ratio, isMet }) => [
    what,
    goal,
    amber,
    ...peers.map((name) => others[name] ?? '–'),
    ratio,
    isMet ? 'met' : '**missed**',
  ])
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** SQLite's shell counts whole milliseconds. */
export const inMs = (ms: number): string =>
  ms === 0 ? '< 1 ms' : ms < 10 ? `${ms.toFixed(2)} ms` : `${ms.toFixed(0)} ms`
