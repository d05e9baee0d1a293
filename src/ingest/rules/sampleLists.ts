// Samples that are no objects: lists beside a list of times (`{"ts":[…],"v":[…]}`), rows of a time and values (`[[ts, v], …]`), and
// objects whose names are times. Taken only where every one of these times is one, and they run in one direction.

import type { Fields, FieldValue } from '../../domain/reading.ts'
import type { DecodedRecord } from '../decode/decoded.ts'

/** The time that a value can be and nothing else; `null`: none, or not for certain. */
type SureTime = (value: FieldValue | undefined, maxAgeMs: number) => number | null

export interface ListLook {
  /** Whether what is below this path is something else than samples. */
  isOther: (path: string) => boolean
  isTimeName: (name: string) => boolean
  /** Whether values of this name tell things apart that are not one. */
  isIdentity: (name: string) => boolean
  timeOf: SureTime
}

type Cells = Map<number, FieldValue>
/** Prefix → row → column. */
type Tables = Map<string, Map<number, Cells>>

const tablePath = /^(|.*\.)(\d{1,4})\.(\d{1,3})$/
const listPath = /^(|.*\.)(?!\d+\.)([^.]+)\.(\d{1,4})$/
const timeKey =
  /^(|.*?\.)(\d{10}|\d{13}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\.(.+)$/
const monthMs = 31 * 86_400_000
const dayMs = 86_400_000
const bare = (): Fields => Object.create(null) as Fields

/** Each sample with its time and what stands beside them without one; `null` where there are none. */
export function listSamples(fields: Fields, look: ListLook): DecodedRecord[] | null {
  return parallel(fields, look) ?? rows(fields, look) ?? byTimeKey(fields, look)
}

function parallel(fields: Fields, look: ListLook): DecodedRecord[] | null {
  const lists = new Map<string, Map<string, Cells>>()
  for (const path in fields) {
    const [, prefix, name, index] = listPath.exec(path) ?? []
    if (prefix === undefined || name === undefined) continue
    const below = lists.get(prefix) ?? new Map<string, Cells>()
    lists.set(prefix, below)
    const cells = below.get(name) ?? (new Map() as Cells)
    below.set(name, cells.set(Number(index), fields[path] as FieldValue))
  }
  for (const [prefix, below] of lists) {
    const timeName = [...below.keys()].find(
      (name) => look.isTimeName(name) || look.isTimeName(name.replace(/s$/, '')),
    )
    if (timeName === undefined || look.isOther(prefix)) continue
    const all = below.get(timeName) as Cells
    const { size } = all
    const one = look.timeOf(all.get(0), monthMs)
    // Several values of one moment.
    if (one !== null && size > 1 && new Set(all.values()).size === 1) return [{ time: one, fields }]
    const others = [...below].filter(([name]) => name !== timeName)
    const fits = others.every(
      ([name, cells]) =>
        cells.size === size &&
        cells.has(size - 1) &&
        !(look.isIdentity(name) && new Set(cells.values()).size > 1),
    )
    const times = inOneDirection(all, (value) => look.timeOf(value, monthMs))
    if (!times || size < 2 || others.length === 0 || !fits) continue
    const made = times.map((time, index) => {
      const own = bare()
      for (const [name, cells] of below) own[prefix + name] = cells.get(index) as FieldValue
      return { time, fields: own }
    })
    const isTaken = (path: string): boolean => listPath.exec(path)?.[1] === prefix
    return withRest(fields, made, isTaken)
  }
  return null
}

/** Times of all, growing or falling. */
function inOneDirection(
  cells: Cells,
  timeOf: (value: FieldValue | undefined) => number | null,
): number[] | null {
  const times: number[] = []
  for (let index = 0; index < cells.size; index++) {
    const time = timeOf(cells.get(index))
    const [before, first] = [times.at(-1), times[0]]
    if (time === null || time === before) return null
    if (before !== undefined && times.length > 1 && time > before !== before > Number(first)) return null
    times.push(time)
  }
  return times
}

function rows(fields: Fields, look: ListLook): DecodedRecord[] | null {
  const tables: Tables = new Map()
  for (const path in fields) {
    const [, prefix, row, column] = tablePath.exec(path) ?? []
    if (prefix === undefined || look.isOther(prefix)) continue
    const table = tables.get(prefix) ?? new Map<number, Cells>()
    tables.set(prefix, table)
    const cells = table.get(Number(row)) ?? (new Map() as Cells)
    table.set(Number(row), cells.set(Number(column), fields[path] as FieldValue))
  }
  const made: DecodedRecord[] = []
  const taken = new Set<string>()
  for (const [prefix, table] of tables) {
    const times = timesOfTable(prefix, table, look)
    if (!times) continue
    taken.add(prefix)
    for (const [row, time] of times.entries()) {
      const own = bare()
      for (const [column, value] of table.get(row) as Cells) own[prefix + column] = value
      made.push({ time, fields: own })
    }
  }
  // One row says when the message was made: nothing is renamed.
  if (made.length === 1) return [{ time: (made[0] as DecodedRecord).time, fields }]
  return made.length === 0
    ? null
    : withRest(fields, made, (path) => taken.has(tablePath.exec(path)?.[1] ?? path))
}

/** Of the first column; in points of a chart the second. Texts beside a time may name what it belongs to. */
function timesOfTable(prefix: string, table: ReadonlyMap<number, Cells>, look: ListLook): number[] | null {
  const column = /(?:^|\.)datapoints\.$/.test(prefix) ? 1 : 0
  const cells: Cells = new Map()
  for (const [row, one] of table) {
    const value = one.get(column)
    const hasText = [...one].some(([at, cell]) => at !== column && typeof cell === 'string')
    if (value === undefined || one.size < 2 || (hasText && one.size > 2)) return null
    cells.set(row, value)
  }
  const maxAgeMs = table.size === 1 ? dayMs : monthMs
  return inOneDirection(cells, (value) => look.timeOf(value, maxAgeMs))
}

function byTimeKey(fields: Fields, look: ListLook): DecodedRecord[] | null {
  const samples = new Map<string, DecodedRecord>()
  let above: string | null = null
  for (const path in fields) {
    const [, prefix, key, name = ''] = timeKey.exec(path) ?? []
    if (prefix === undefined || key === undefined) continue
    const time = look.timeOf(key, monthMs)
    if (time === null || look.isOther(prefix) || (above !== null && above !== prefix)) return null
    above = prefix
    const sample = samples.get(key) ?? { time, fields: bare() }
    samples.set(key, sample)
    sample.fields[prefix + name] = fields[path] as FieldValue
  }
  const made = [...samples.values()]
  if (made.length === 1) return [{ time: (made[0] as DecodedRecord).time, fields }]
  return made.length === 0 ? null : withRest(fields, made, (path) => timeKey.test(path))
}

function withRest(
  fields: Fields,
  made: DecodedRecord[],
  isTaken: (path: string) => boolean,
): DecodedRecord[] {
  const rest = bare()
  let isEmpty = true
  for (const path in fields) {
    if (isTaken(path)) continue
    rest[path] = fields[path] as FieldValue
    isEmpty = false
  }
  return isEmpty ? made : [...made, { time: null, fields: rest }]
}
