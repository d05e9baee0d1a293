// Functions of instant vectors and scalars.

import type { RE2JS } from 're2js'
import { inPieces, sortedInTurns } from '../sorting.ts'
import type { Turns } from '../turns.ts'
import type { LabelMatcher, Node } from './ast.ts'
import { execution, fault } from './faults.ts'
import { type Labels, makeLabels } from './labels.ts'
import { compileRe2 } from './matchers.ts'
import type { Room } from './room.ts'
import { type Column, mapColumns, mapVector, merged, type Scalar, type Value, type Vector } from './values.ts'

const degree = Math.PI / 180
/** Infinities are rounded to themselves. */
const roundTo = (value: number, nearest: number): number =>
  Math.floor(value * (1 / nearest) + 0.5) / (1 / nearest)

const simple: Record<string, (value: number) => number> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  sgn: Math.sign,
  deg: (value) => value / degree,
  rad: (value) => value * degree,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
}

const dates: Record<string, (date: Date) => number> = {
  hour: (date) => date.getUTCHours(),
  minute: (date) => date.getUTCMinutes(),
  month: (date) => date.getUTCMonth() + 1,
  year: (date) => date.getUTCFullYear(),
  day_of_week: (date) => date.getUTCDay(),
  day_of_month: (date) => date.getUTCDate(),
  day_of_year: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0)) / 86_400_000) + 1,
  days_in_month: (date) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
}

/** `times`: of the steps, in milliseconds. `args` are evaluated; `nodes` are what they were. */
export async function callFunction(
  name: string,
  args: readonly Value[],
  { times, nodes, room, turns }: { times: Float64Array; nodes: readonly Node[]; room: Room; turns: Turns },
): Promise<Value> {
  const steps = times.length
  const map = (vector: Vector, change: (value: number, step: number) => number): Promise<Vector> =>
    mapVector(vector, change, turns)
  const change = Object.hasOwn(simple, name) ? simple[name] : undefined
  if (change) return map(vectorOf(args[0]), change)
  const part = Object.hasOwn(dates, name) ? dates[name] : undefined
  if (part)
    return map(args[0] ? vectorOf(args[0]) : timeVector(times), (value) => part(new Date(value * 1000)))
  const at = (index: number) => (step: number) => scalarOf(args[index]).values[step] ?? Number.NaN
  switch (name) {
    case 'round': {
      const nearest = args[1] ? at(1) : () => 1
      return map(vectorOf(args[0]), (value, step) => roundTo(value, nearest(step)))
    }
    case 'clamp':
      return clamp(vectorOf(args[0]), { least: at(1), most: at(2), turns })
    case 'clamp_min':
      return map(vectorOf(args[0]), (value, step) => larger(value, at(1)(step)))
    case 'clamp_max':
      return map(vectorOf(args[0]), (value, step) => -larger(-value, -at(1)(step)))
    case 'time':
      return { type: 'scalar', values: secondsOf(times) }
    case 'pi':
      return { type: 'scalar', values: new Float64Array(steps).fill(Math.PI) }
    case 'vector':
      return {
        type: 'vector',
        series: [{ labels: makeLabels([]), values: scalarOf(args[0]).values, has: ones(steps) }],
      }
    case 'scalar':
      return toScalar(vectorOf(args[0]), steps, turns)
    case 'sort':
    case 'sort_desc':
      return sorted(vectorOf(args[0]), name === 'sort', turns)
    case 'absent':
      return absent(vectorOf(args[0]).series, nodes[0], { steps, turns })
    case 'label_replace':
      return labelReplace(vectorOf(args[0]), args.slice(1).map(textOf), { room, turns })
    case 'label_join':
      return labelJoin(vectorOf(args[0]), args.slice(1).map(textOf), { room, turns })
    default:
      throw execution(`the function ${name} is not supported here`)
  }
}

/** One where nothing is; its labels are those the selector asks for exactly. */
export async function absent(
  series: readonly Column[],
  node: Node | undefined,
  { steps, turns }: { steps: number; turns: Turns },
): Promise<Vector> {
  const has = new Uint8Array(steps).fill(1)
  for (const column of series) {
    for (let step = 0; step < steps; step++) if (column.has[step]) has[step] = 0
    if (turns.isOver) await turns.next()
  }
  return { type: 'vector', series: [{ labels: absentLabels(node), values: new Float64Array(has), has }] }
}

function absentLabels(node: Node | undefined): Labels {
  const matchers: LabelMatcher[] =
    node?.kind === 'vector' ? node.matchers : node?.kind === 'matrix' ? node.selector.matchers : []
  const names = matchers.map(({ name }) => name)
  return makeLabels(
    matchers
      .filter(
        ({ name, operator }) =>
          name !== '__name__' && operator === '=' && names.indexOf(name) === names.lastIndexOf(name),
      )
      .map(({ name, value }) => [name, value] as const),
  )
}

/** Math.max with NaN for what is not comparable on either side, as Go has it. */
function larger(a: number, b: number): number {
  return Math.max(a, b)
}

type AtStep = (step: number) => number

/** Nothing is left at a step whose least is more than its most. */
async function clamp(
  { series }: Vector,
  { least, most, turns }: { least: AtStep; most: AtStep; turns: Turns },
): Promise<Vector> {
  const possible: Column[] = []
  for (const column of series) {
    const has = column.has.slice()
    await inPieces(has.length, turns, (from, to) => {
      for (let step = from; step < to; step++) if (most(step) < least(step)) has[step] = 0
    })
    possible.push({ ...column, has })
  }
  const left: Vector = { type: 'vector', series: possible }
  return mapVector(left, (value, step) => Math.max(least(step), Math.min(most(step), value)), turns)
}

/** The number of the only series that has one. */
async function toScalar({ series }: Vector, steps: number, turns: Turns): Promise<Scalar> {
  const values = new Float64Array(steps).fill(Number.NaN)
  const counts = new Uint32Array(steps)
  for (const column of series) {
    for (let step = 0; step < steps; step++) {
      if (!column.has[step]) continue
      counts[step] = (counts[step] ?? 0) + 1
      values[step] = counts[step] === 1 ? (column.values[step] ?? Number.NaN) : Number.NaN
    }
    if (turns.isOver) await turns.next()
  }
  return { type: 'scalar', values }
}

async function sorted({ series }: Vector, ascending: boolean, turns: Turns): Promise<Vector> {
  const last = (column: Column): number => (column.has[0] ? (column.values[0] ?? Number.NaN) : Number.NaN)
  const compare = (a: Column, b: Column): number => {
    const [x, y] = [last(a), last(b)]
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y))
    return ascending ? x - y : y - x
  }
  const order = await sortedInTurns(series, compare, turns)
  return { type: 'vector', series: order }
}

/** Of a query. */
interface Work {
  room: Room
  turns: Turns
}

async function labelReplace(
  { series }: Vector,
  [target = '', replacement = '', source = '', pattern = '']: string[],
  { room, turns }: Work,
): Promise<Vector> {
  checkLabelName(target)
  const regex = compileRe2(`^(?:${pattern})$`)
  const count = labelCounter(room)
  const replaced = (column: Column): Column => {
    const matcher = regex.matcher(column.labels[source] ?? '')
    if (!matcher.find()) return count(column, '')
    let made = 0
    const value = replacement.replaceAll(
      /\$(?:\$|\{(\w+)\}|(\w+))/g,
      (whole, braced?: string, bare?: string) => {
        const group = braced ?? bare
        if (group === undefined) return whole === '$$' ? '$' : whole
        const text = groupOf(matcher, group)
        // Before they are put together: a replacement may name a long group a thousand times.
        room.checkLabels((made += text.length))
        return text
      },
    )
    return count(column, value, target)
  }
  return merged(await mapColumns(series, replaced, turns), turns)
}

async function labelJoin(
  { series }: Vector,
  [target = '', separator = '', ...sources]: string[],
  { room, turns }: Work,
): Promise<Vector> {
  checkLabelName(target)
  const count = labelCounter(room)
  const joined = (column: Column): Column => {
    const lengths = sources.map((name) => separator.length + (column.labels[name] ?? '').length)
    room.checkLabels(lengths.reduce((sum, length) => sum + length, 0))
    const value = sources.map((name) => column.labels[name] ?? '').join(separator)
    return count(column, value, target)
  }
  return merged(await mapColumns(series, joined, turns), turns)
}

/** Gives columns a label, or none, and counts what the labels of all of them come to. */
function labelCounter(room: Room): (column: Column, value: string, target?: string) => Column {
  let characters = 0
  return (column, value, target) => {
    const labels = target === undefined ? column.labels : withLabel(column.labels, target, value)
    for (const name in labels) characters += (labels[name] ?? '').length
    room.checkLabels(characters)
    return { ...column, labels }
  }
}

/** What a group of a match, by its number or its name, has taken; nothing where there is no such group. */
function groupOf(matcher: ReturnType<RE2JS['matcher']>, group: string): string {
  const index = /^\d+$/.test(group) ? Number(group) : group
  if (typeof index === 'number' && index > matcher.groupCount()) return ''
  try {
    return matcher.group(index as number) ?? ''
  } catch {
    return ''
  }
}

function withLabel(labels: Labels, name: string, value: string): Labels {
  return makeLabels([...Object.entries(labels).filter(([one]) => one !== name), [name, value]])
}

function checkLabelName(name: string): void {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw fault(`invalid label name "${name.slice(0, 60)}"`)
}

function timeVector(times: Float64Array): Vector {
  const column = { labels: makeLabels([]), values: secondsOf(times), has: ones(times.length) }
  return { type: 'vector', series: [column] }
}

/** Written out: there may be millions, and a function called for each takes ten times as long. */
function secondsOf(times: Float64Array): Float64Array {
  const seconds = new Float64Array(times.length)
  for (let step = 0; step < seconds.length; step++) seconds[step] = (times[step] ?? 0) / 1000
  return seconds
}

function ones(steps: number): Uint8Array {
  return new Uint8Array(steps).fill(1)
}

function vectorOf(value: Value | undefined): Vector {
  if (value?.type !== 'vector') throw execution('a vector is missing')
  return value
}

function scalarOf(value: Value | undefined): Scalar {
  if (value?.type !== 'scalar') throw execution('a number is missing')
  return value
}

function textOf(value: Value): string {
  if (value.type !== 'string') throw execution('a text is missing')
  return value.value
}
