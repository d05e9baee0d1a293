// A row of the API made ready for a table: long integers keep every digit, and a value is one cell.

export type Row = Record<string, unknown>

/** Integers that a double would round stay text. */
export function parseRow(line: string): Row {
  const tokens = /"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
  let safe = ''
  let taken = 0
  for (let found = tokens.exec(line); found !== null; found = tokens.exec(line)) {
    const [token] = found
    if (token === '"') tokens.lastIndex = stringEnd(line, found.index)
    else if (/^-?\d{16,}$/.test(token)) {
      safe += `${line.slice(taken, found.index)}"${token}"`
      taken = tokens.lastIndex
    }
  }
  return JSON.parse(safe + line.slice(taken)) as Row
}

/** Just after the closing quote. A pattern that walks a payload of megabytes overflows the stack of the engine. */
function stringEnd(line: string, at: number): number {
  let end = at + 1
  while (end < line.length && line[end] !== '"') end += line[end] === '\\' ? 2 : 1
  return end + 1
}

export function cellText(row: Row, column: string): string {
  const value = row[column]
  if (column === 'value' && value === undefined) {
    const bytes = row['payload_base64']
    return typeof bytes === 'string' ? `(binary) ${bytes}` : ''
  }
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
