// Binary operators: arithmetic and comparison between numbers and vectors, with vector matching, and the set operators.

import type { Binary, Matching } from './ast.ts'
import { execution } from './faults.ts'
import { keyOf, type Labels, makeLabels, metricName, only, without } from './labels.ts'
import {
  type Column,
  makeColumn,
  merged,
  type Scalar,
  type Value,
  type Vector,
  withoutName,
} from './values.ts'

type Operator = (left: number, right: number) => number

const arithmetic: Record<string, Operator> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
  atan2: (a, b) => Math.atan2(a, b),
}

const comparison: Record<string, (left: number, right: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}

const allLabels: Matching = { on: false, labels: [], many: null, include: [] }

export function evaluateBinary(node: Binary, left: Value, right: Value, steps: number): Value {
  if (left.type === 'string' || right.type === 'string') throw execution('an operator takes no text')
  const { operator, bool } = node
  const matching = node.matching ?? allLabels
  if (left.type === 'vector' && right.type === 'vector') {
    if (operator === 'and' || operator === 'or' || operator === 'unless') {
      return evaluateSet(operator, left, right, matching, steps)
    }
    return evaluateVectors(node, left, right, matching, steps)
  }
  const compute = computeOf(node)
  if (left.type === 'scalar' && right.type === 'scalar') {
    const values = left.values.map(
      (value, step) => compute(value, right.values[step] ?? Number.NaN) ?? Number.NaN,
    )
    return { type: 'scalar', values }
  }
  const isFilter = Object.hasOwn(comparison, operator) && !bool
  return left.type === 'vector'
    ? withScalar(left, right as Scalar, isFilter, (a, b) =>
        isFilter ? (compute(a, b) === undefined ? undefined : a) : compute(a, b),
      )
    : withScalar(right as Vector, left, isFilter, (a, b) =>
        isFilter ? (compute(b, a) === undefined ? undefined : a) : compute(b, a),
      )
}

/** `undefined`: a comparison that does not hold leaves nothing. */
function computeOf({ operator, bool }: Binary): (left: number, right: number) => number | undefined {
  const calculate = Object.hasOwn(arithmetic, operator) ? arithmetic[operator] : undefined
  if (calculate) return calculate
  const holds = Object.hasOwn(comparison, operator) ? comparison[operator] : undefined
  if (!holds) throw execution(`the operator ${operator} is not supported here`)
  return bool ? (a, b) => (holds(a, b) ? 1 : 0) : (a, b) => (holds(a, b) ? a : undefined)
}

function withScalar(
  { series }: Vector,
  { values: numbers }: Scalar,
  keepsName: boolean,
  compute: (value: number, scalar: number) => number | undefined,
): Vector {
  const results = series.map(({ labels, values, has }) => {
    const result = makeColumn(keepsName ? labels : withoutName(labels), values.length)
    for (let step = 0; step < values.length; step++) {
      const value = has[step] ? compute(values[step] ?? Number.NaN, numbers[step] ?? Number.NaN) : undefined
      if (value === undefined) continue
      result.values[step] = value
      result.has[step] = 1
    }
    return result
  })
  return merged(results)
}

/** What two series must have in common. */
function signatureOf(labels: Labels, { on, labels: names }: Matching): Labels {
  return on ? only(labels, names) : without(labels, [...names, metricName])
}

function bySignature(series: readonly Column[], matching: Matching): Map<string, Column[]> {
  const groups = new Map<string, Column[]>()
  for (const column of series) {
    const key = keyOf(signatureOf(column.labels, matching))
    const group = groups.get(key)
    if (group) group.push(column)
    else groups.set(key, [column])
  }
  return groups
}

function evaluateSet(
  operator: 'and' | 'or' | 'unless',
  left: Vector,
  right: Vector,
  matching: Matching,
  steps: number,
): Vector {
  const presence = (series: readonly Column[]): Map<string, Uint8Array> => {
    const found = new Map<string, Uint8Array>()
    for (const [key, columns] of bySignature(series, matching)) {
      const has = new Uint8Array(steps)
      for (const column of columns)
        for (let step = 0; step < steps; step++) has[step] ||= column.has[step] ?? 0
      found.set(key, has)
    }
    return found
  }
  const keep = (columns: readonly Column[], others: Map<string, Uint8Array>, wanted: boolean): Column[] =>
    columns.map((column) => {
      const other = others.get(keyOf(signatureOf(column.labels, matching)))
      const has = column.has.map((present, step) => (present && (other?.[step] === 1) === wanted ? 1 : 0))
      return { ...column, has }
    })
  if (operator === 'or') {
    return { type: 'vector', series: mergeOr(left.series, keep(right.series, presence(left.series), false)) }
  }
  return { type: 'vector', series: keep(left.series, presence(right.series), operator === 'and') }
}

/** A series of the right that has the labels of one on the left goes on in it where that has nothing. */
function mergeOr(left: readonly Column[], right: readonly Column[]): Column[] {
  const known = new Map(left.map((column) => [keyOf(column.labels), column]))
  const result = [...left]
  for (const column of right) {
    const same = known.get(keyOf(column.labels))
    if (!same) {
      result.push(column)
      continue
    }
    const at = result.indexOf(same)
    const both = { labels: same.labels, values: same.values.slice(), has: same.has.slice() }
    for (const [step, present] of column.has.entries()) {
      if (!present || both.has[step]) continue
      both.has[step] = 1
      both.values[step] = column.values[step] ?? Number.NaN
    }
    result[at] = both
  }
  return result
}

function evaluateVectors(
  node: Binary,
  left: Vector,
  right: Vector,
  matching: Matching,
  steps: number,
): Vector {
  const { many } = matching
  const compute = computeOf(node)
  const isSwapped = many === 'right'
  const manySide = isSwapped ? right : left
  const oneSide = isSwapped ? left : right
  const ones = bySignature(oneSide.series, matching)
  const isFilter = Object.hasOwn(comparison, node.operator) && !node.bool
  const results = new Map<string, Column>()
  const usedBy = new Map<string, Column>()
  for (const column of manySide.series) {
    const signature = keyOf(signatureOf(column.labels, matching))
    const candidates = ones.get(signature)
    if (!candidates) continue
    for (let step = 0; step < steps; step++) {
      if (!column.has[step]) continue
      const one = presentOne(candidates, step, isSwapped ? 'left' : 'right')
      if (!one) continue
      if (many === null) claim(usedBy, `${step} ${signature}`, column)
      const [a, b] = [column.values[step] ?? Number.NaN, one.values[step] ?? Number.NaN]
      const value = isSwapped ? compute(b, a) : compute(a, b)
      if (value === undefined) continue
      const labels = resultLabels(column.labels, one.labels, matching, isFilter)
      const key = keyOf(labels)
      let result = results.get(key)
      if (!result) results.set(key, (result = makeColumn(labels, steps)))
      if (result.has[step]) {
        throw execution('multiple matches for labels: grouping labels must ensure unique matches')
      }
      result.values[step] = value
      result.has[step] = 1
    }
  }
  return { type: 'vector', series: [...results.values()] }
}

function presentOne(candidates: readonly Column[], step: number, side: string): Column | undefined {
  const present = candidates.filter(({ has }) => has[step])
  if (present.length > 1) {
    throw execution(
      `found duplicate series for the match group on the ${side} side of the operation; many-to-many matching not allowed: matching labels must be unique on one side`,
    )
  }
  return present[0]
}

function claim(usedBy: Map<string, Column>, key: string, column: Column): void {
  const before = usedBy.get(key)
  if (before && before !== column) {
    throw execution(
      'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
    )
  }
  usedBy.set(key, column)
}

function resultLabels(many: Labels, one: Labels, matching: Matching, isFilter: boolean): Labels {
  const kept = isFilter ? many : withoutName(many)
  if (matching.many === null) {
    return matching.on ? only(kept, matching.labels) : without(kept, matching.labels)
  }
  const included = matching.include.map((name): [string, string] => [name, one[name] ?? ''])
  const names = new Set(matching.include)
  return makeLabels([...Object.entries(kept).filter(([name]) => !names.has(name)), ...included])
}
