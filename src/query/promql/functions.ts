// Functions of instant vectors and scalars.

import type { LabelMatcher, Node } from './ast.ts'
import { execution, fault } from './faults.ts'
import { type Labels, makeLabels } from './labels.ts'
import { compileRe2 } from './matchers.ts'
import { type Column, makeColumn, mapVector, merged, type Scalar, type Value, type Vector } from './values.ts'

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
export function callFunction(
  name: string,
  args: readonly Value[],
  { times, nodes }: { times: Float64Array; nodes: readonly Node[] },
): Value {
  const steps = times.length
  const change = Object.hasOwn(simple, name) ? simple[name] : undefined
  if (change) return mapVector(vectorOf(args[0]), change)
  const part = Object.hasOwn(dates, name) ? dates[name] : undefined
  if (part)
    return mapVector(args[0] ? vectorOf(args[0]) : timeVector(times), (value) => part(new Date(value * 1000)))
  const at = (index: number) => (step: number) => scalarOf(args[index]).values[step] ?? Number.NaN
  switch (name) {
    case 'round': {
      const nearest = args[1] ? at(1) : () => 1
      return mapVector(vectorOf(args[0]), (value, step) => roundTo(value, nearest(step)))
    }
    case 'clamp':
      return clamp(vectorOf(args[0]), at(1), at(2))
    case 'clamp_min':
      return mapVector(vectorOf(args[0]), (value, step) => larger(value, at(1)(step)))
    case 'clamp_max':
      return mapVector(vectorOf(args[0]), (value, step) => -larger(-value, -at(1)(step)))
    case 'time':
      return { type: 'scalar', values: times.map((time) => time / 1000) }
    case 'pi':
      return { type: 'scalar', values: new Float64Array(steps).fill(Math.PI) }
    case 'vector':
      return {
        type: 'vector',
        series: [{ labels: makeLabels([]), values: scalarOf(args[0]).values, has: ones(steps) }],
      }
    case 'scalar':
      return toScalar(vectorOf(args[0]), steps)
    case 'sort':
    case 'sort_desc':
      return sorted(vectorOf(args[0]), name === 'sort')
    case 'absent':
      return absent(vectorOf(args[0]).series, nodes[0], steps)
    case 'label_replace':
      return labelReplace(vectorOf(args[0]), args.slice(1).map(textOf))
    case 'label_join':
      return labelJoin(vectorOf(args[0]), args.slice(1).map(textOf))
    default:
      throw execution(`the function ${name} is not supported here`)
  }
}

/** One where nothing is; its labels are those the selector asks for exactly. */
export function absent(series: readonly Column[], node: Node | undefined, steps: number): Vector {
  const result = makeColumn(absentLabels(node), steps)
  for (let step = 0; step < steps; step++) {
    if (series.some(({ has }) => has[step])) continue
    result.has[step] = 1
    result.values[step] = 1
  }
  return { type: 'vector', series: [result] }
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

function clamp(vector: Vector, least: (step: number) => number, most: (step: number) => number): Vector {
  const inside = mapVector(vector, (value, step) => Math.max(least(step), Math.min(most(step), value)))
  for (const { has } of inside.series) {
    for (let step = 0; step < has.length; step++) if (most(step) < least(step)) has[step] = 0
  }
  return inside
}

function toScalar({ series }: Vector, steps: number): Scalar {
  const values = new Float64Array(steps).fill(Number.NaN)
  for (let step = 0; step < steps; step++) {
    const present = series.filter(({ has }) => has[step])
    if (present.length === 1) values[step] = present[0]?.values[step] ?? Number.NaN
  }
  return { type: 'scalar', values }
}

function sorted({ series }: Vector, ascending: boolean): Vector {
  const last = (column: Column): number => (column.has[0] ? (column.values[0] ?? Number.NaN) : Number.NaN)
  const order = [...series].sort((a, b) => {
    const [x, y] = [last(a), last(b)]
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y))
    return ascending ? x - y : y - x
  })
  return { type: 'vector', series: order }
}

function labelReplace(
  { series }: Vector,
  [target = '', replacement = '', source = '', pattern = '']: string[],
): Vector {
  checkLabelName(target)
  const regex = compileRe2(`^(?:${pattern})$`)
  return merged(
    series.map((column) => {
      const matcher = regex.matcher(column.labels[source] ?? '')
      if (!matcher.find()) return column
      const value = replacement.replaceAll(
        /\$(?:\$|\{(\w+)\}|(\w+))/g,
        (whole, braced?: string, bare?: string) => {
          const group = braced ?? bare
          if (group === undefined) return whole === '$$' ? '$' : whole
          const index = /^\d+$/.test(group) ? Number(group) : group
          if (typeof index === 'number' && index > matcher.groupCount()) return ''
          try {
            return matcher.group(index as number) ?? ''
          } catch {
            return ''
          }
        },
      )
      return { ...column, labels: withLabel(column.labels, target, value) }
    }),
  )
}

function labelJoin({ series }: Vector, [target = '', separator = '', ...sources]: string[]): Vector {
  checkLabelName(target)
  return merged(
    series.map((column) => {
      const value = sources.map((name) => column.labels[name] ?? '').join(separator)
      return { ...column, labels: withLabel(column.labels, target, value) }
    }),
  )
}

function withLabel(labels: Labels, name: string, value: string): Labels {
  return makeLabels([...Object.entries(labels).filter(([one]) => one !== name), [name, value]])
}

function checkLabelName(name: string): void {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw fault(`invalid label name "${name.slice(0, 60)}"`)
}

function timeVector(times: Float64Array): Vector {
  const column = { labels: makeLabels([]), values: times.map((time) => time / 1000), has: ones(times.length) }
  return { type: 'vector', series: [column] }
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
