// Binary operators: arithmetic and comparison between numbers and vectors, with vector matching, and the set operators.

import { inPieces } from '../sorting.ts'
import type { Turns } from '../turns.ts'
import type { Binary, Matching } from './ast.ts'
import { execution } from './faults.ts'
import { keyOf, type Labels, makeLabels, metricName, only, without } from './labels.ts'
import type { Room } from './room.ts'
import {
  type Column,
  makeColumn,
  mapColumns,
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

/** Of a query: how many steps it has, and who is let in between. */
interface On {
  steps: number
  room: Room
  turns: Turns
}

export async function evaluateBinary(node: Binary, left: Value, right: Value, on: On): Promise<Value> {
  if (left.type === 'string' || right.type === 'string') throw execution('an operator takes no text')
  const { operator, bool } = node
  const matching = node.matching ?? allLabels
  if (left.type === 'vector' && right.type === 'vector') {
    if (operator === 'and' || operator === 'or' || operator === 'unless') {
      return evaluateSet(operator, left, right, matching, on)
    }
    return evaluateVectors(node, left, right, matching, on)
  }
  const compute = computeOf(node)
  if (left.type === 'scalar' && right.type === 'scalar') {
    const values = new Float64Array(on.steps)
    await inPieces(on.steps, on.turns, (from, to) => {
      for (let step = from; step < to; step++)
        values[step] =
          compute(left.values[step] ?? Number.NaN, right.values[step] ?? Number.NaN) ?? Number.NaN
    })
    return { type: 'scalar', values }
  }
  const isFilter = Object.hasOwn(comparison, operator) && !bool
  return left.type === 'vector'
    ? withScalar(left, right as Scalar, isFilter, on, (a, b) =>
        isFilter ? (compute(a, b) === undefined ? undefined : a) : compute(a, b),
      )
    : withScalar(right as Vector, left, isFilter, on, (a, b) =>
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

async function withScalar(
  { series }: Vector,
  { values: numbers }: Scalar,
  keepsName: boolean,
  { turns }: On,
  compute: (value: number, scalar: number) => number | undefined,
): Promise<Vector> {
  const results: Column[] = []
  for (const { labels, values, has } of series) {
    const result = makeColumn(keepsName ? labels : withoutName(labels), values.length)
    await inPieces(values.length, turns, (from, to) => {
      for (let step = from; step < to; step++) {
        const value = has[step] ? compute(values[step] ?? Number.NaN, numbers[step] ?? Number.NaN) : undefined
        if (value === undefined) continue
        result.values[step] = value
        result.has[step] = 1
      }
    })
    results.push(result)
  }
  return merged(results, turns)
}

/** What two series must have in common. */
function signatureOf(labels: Labels, { on, labels: names }: Matching): Labels {
  return on ? only(labels, names) : without(labels, [...names, metricName])
}

async function bySignature(
  series: readonly Column[],
  matching: Matching,
  { turns }: On,
): Promise<Map<string, Column[]>> {
  const groups = new Map<string, Column[]>()
  for (const column of series) {
    if (turns.isOver) await turns.next()
    const key = keyOf(signatureOf(column.labels, matching))
    const group = groups.get(key)
    if (group) group.push(column)
    else groups.set(key, [column])
  }
  return groups
}

async function evaluateSet(
  operator: 'and' | 'or' | 'unless',
  left: Vector,
  right: Vector,
  matching: Matching,
  on: On,
): Promise<Vector> {
  const { steps, turns } = on
  const presence = async (series: readonly Column[]): Promise<Map<string, Uint8Array>> => {
    const found = new Map<string, Uint8Array>()
    for (const [key, columns] of await bySignature(series, matching, on)) {
      const has = new Uint8Array(steps)
      for (const column of columns) {
        for (let step = 0; step < steps; step++) has[step] ||= column.has[step] ?? 0
        if (turns.isOver) await turns.next()
      }
      found.set(key, has)
    }
    return found
  }
  const keep = (
    columns: readonly Column[],
    others: Map<string, Uint8Array>,
    wanted: boolean,
  ): Promise<Column[]> => {
    const kept = (column: Column): Column => {
      const other = others.get(keyOf(signatureOf(column.labels, matching)))
      const has = column.has.map((present, step) => (present && (other?.[step] === 1) === wanted ? 1 : 0))
      return { ...column, has }
    }
    return mapColumns(columns, kept, turns)
  }
  if (operator === 'or') {
    const others = await keep(right.series, await presence(left.series), false)
    return { type: 'vector', series: await mergeOr(left.series, others, turns) }
  }
  const series = await keep(left.series, await presence(right.series), operator === 'and')
  return { type: 'vector', series }
}

/** A series of the right that has the labels of one on the left goes on in it where that has nothing. */
async function mergeOr(left: readonly Column[], right: readonly Column[], turns: Turns): Promise<Column[]> {
  const known = new Map<string, Column>()
  for (const column of left) {
    known.set(keyOf(column.labels), column)
    if (turns.isOver) await turns.next()
  }
  for (const column of right) {
    if (turns.isOver) await turns.next()
    const key = keyOf(column.labels)
    const same = known.get(key)
    if (!same) {
      known.set(key, column)
      continue
    }
    const both = { labels: same.labels, values: same.values.slice(), has: same.has.slice() }
    for (const [step, present] of column.has.entries()) {
      if (!present || both.has[step]) continue
      both.has[step] = 1
      both.values[step] = column.values[step] ?? Number.NaN
    }
    known.set(key, both)
  }
  return [...known.values()]
}

async function evaluateVectors(
  node: Binary,
  left: Vector,
  right: Vector,
  matching: Matching,
  on: On,
): Promise<Vector> {
  const isSwapped = matching.many === 'right'
  const manySide = isSwapped ? right : left
  const ones = await bySignature((isSwapped ? left : right).series, matching, on)
  const pairs = new Pairs(node, matching, on)
  for (const column of manySide.series) {
    if (on.turns.isOver) await on.turns.next()
    const signature = keyOf(signatureOf(column.labels, matching))
    const candidates = ones.get(signature)
    if (candidates) await pairs.add(column, candidates, signature)
  }
  return { type: 'vector', series: [...pairs.results.values()] }
}

/** A series of the many with one that may match it. */
interface Pair {
  column: Column
  one: Column
  /** At which steps there was a match already. */
  seen: Uint8Array | null
  taken: { steps: Uint8Array; before: Uint8Array } | null
  /** Once there is a step at which both have a number. */
  result: Column | null
}

/** What series of one side come to with those of the other. */
class Pairs {
  readonly results = new Map<string, Column>()
  readonly #matching: Matching
  readonly #on: On
  readonly #isFilter: boolean
  readonly #compute: (many: number, one: number) => number | undefined
  readonly #oneSide: string
  /** By signature, the steps at which a series of the many has had its match: another must not have one there. */
  readonly #taken = new Map<string, Uint8Array>()

  constructor(node: Binary, matching: Matching, on: On) {
    const compute = computeOf(node)
    const isSwapped = matching.many === 'right'
    this.#matching = matching
    this.#on = on
    this.#isFilter = Object.hasOwn(comparison, node.operator) && !node.bool
    this.#compute = isSwapped ? (many, one) => compute(one, many) : compute
    this.#oneSide = isSwapped ? 'left' : 'right'
  }

  async add(column: Column, candidates: readonly Column[], signature: string): Promise<void> {
    // Mostly there is one, and it has no rival.
    const seen = candidates.length > 1 ? new Uint8Array(this.#on.steps) : null
    const taken = this.#matching.many === null ? this.#takenBy(signature) : null
    for (const one of candidates) {
      const pair: Pair = { column, one, seen, taken, result: null }
      await inPieces(this.#on.steps, this.#on.turns, (from, to) => this.#pair(pair, from, to))
    }
  }

  #takenBy(signature: string): { steps: Uint8Array; before: Uint8Array } {
    const before = this.#taken.get(signature) ?? new Uint8Array(this.#on.steps)
    const steps = before.slice()
    this.#taken.set(signature, steps)
    return { steps, before }
  }

  #pair(pair: Pair, from: number, to: number): void {
    const { column, one, seen, taken } = pair
    for (let step = from; step < to; step++) {
      if (!column.has[step] || !one.has[step]) continue
      if (seen) {
        if (seen[step]) throw duplicates(this.#oneSide)
        seen[step] = 1
      }
      if (taken) {
        if (taken.before[step]) throw ungrouped()
        taken.steps[step] = 1
      }
      const value = this.#compute(column.values[step] ?? Number.NaN, one.values[step] ?? Number.NaN)
      if (value === undefined) continue
      const result = (pair.result ??= this.#resultOf(column.labels, one.labels))
      if (result.has[step]) {
        throw execution('multiple matches for labels: grouping labels must ensure unique matches')
      }
      result.values[step] = value
      result.has[step] = 1
    }
  }

  #resultOf(many: Labels, one: Labels): Column {
    const labels = resultLabels(many, one, this.#matching, this.#isFilter)
    const key = keyOf(labels)
    const known = this.results.get(key)
    if (known) return known
    const { room, steps } = this.#on
    room.check(this.results.size + 1, steps)
    const result = makeColumn(labels, steps)
    this.results.set(key, result)
    return result
  }
}

function duplicates(side: string): Error {
  return execution(
    `found duplicate series for the match group on the ${side} side of the operation; many-to-many matching not allowed: matching labels must be unique on one side`,
  )
}

function ungrouped(): Error {
  return execution(
    'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
  )
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
