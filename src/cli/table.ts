// Rows as columns of text for people: widths by content, the last column open-ended, nothing that a payload could
// use to steer the terminal.

import { printable } from '../domain/topic.ts'

export interface TableOptions {
  colour: boolean
}

const columnWidthMax = 60

/** Ends with a newline. Control characters are shown as escapes. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { colour }: TableOptions,
): string {
  const clean = rows.map((row) => row.map((cell) => printable(cell)))
  const widths = head.map((title, column) =>
    Math.min(columnWidthMax, Math.max(title.length, ...clean.map((row) => row[column]?.length ?? 0))),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  const title = colour ? `\u001b[1m${line(head)}\u001b[22m` : line(head)
  return `${[title, ...clean.map(line)].join('\n')}\n`
}
