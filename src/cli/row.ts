// A row of the API made ready for a table: long integers keep every digit, and a value is one cell.

export type Row = Record<string, unknown>

/** Integers that a double would round stay text. */
export function parseRow(line: string): Row {
  const safe = line.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d{16,}$/.test(token) ? `"${token}"` : token,
  )
  return JSON.parse(safe) as Row
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
