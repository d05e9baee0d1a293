// PromQL text to a tree, by Prometheus' own grammar (@prometheus-io/lezer-promql). Where that grammar binds otherwise than
// the server does (modifiers after a binary operator, a minus before a power) the tree is put right here.

import type { SyntaxNode, Tree } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'
import type { Binary, LabelMatcher, Matching, MatchOperator, Node, Shift, VectorSelector } from './ast.ts'
import { fault, unsupported } from './faults.ts'
import { parseNumber } from './number.ts'
import { checkTypes } from './types.ts'

const charsMax = 20_000
const depthMax = 200

/** Ends at the first fault: going on after thousands of them takes most of a second. */
const strictParser = parser.configure({ strict: true })

/** Throws `bad_request` for what is no PromQL, `query_limit` for what is not supported. */
export function parsePromql(given: string): Node {
  if (given.trim() === '') throw fault('the query is empty')
  if (given.length > charsMax) throw fault(`the query is longer than ${charsMax} characters`)
  const { text, tree } = parsed(given)
  let depth = 0
  tree.iterate({
    enter() {
      if (++depth > depthMax) throw fault('the query is nested too deeply')
    },
    leave() {
      depth--
    },
  })
  const root = tree.topNode.firstChild
  if (!root) throw fault('the query is empty')
  const node = read(root, text)
  checkTypes(node)
  return node
}

/** The tree of a text, in which comments are spaces. */
function parsed(given: string): { text: string; tree: Tree } {
  const tree = strictly(given)
  let text = ''
  let end = 0
  tree.iterate({
    enter({ name, from, to }) {
      if (name !== 'LineComment') return
      text += given.slice(end, from) + ' '.repeat(to - from)
      end = to
    },
  })
  if (end === 0) return { text: given, tree }
  text += given.slice(end)
  return { text, tree: strictly(text) }
}

function strictly(text: string): Tree {
  try {
    return strictParser.parse(text)
  } catch (error) {
    const at = error instanceof SyntaxError ? /No parse at (\d+)$/.exec(error.message)?.[1] : undefined
    if (at === undefined) throw error
    const from = Number(at)
    throw fault(
      from < text.length
        ? `parse error at character ${from + 1}: "${text.slice(from, from + 20)}"`
        : 'parse error: the query ends too soon',
    )
  }
}

type Reader = (node: SyntaxNode, text: string) => Node

const readers: Record<string, Reader> = {
  NumberDurationLiteral: (node, text) => ({ kind: 'number', value: parseNumber(slice(node, text)) }),
  StringLiteral: (node, text) => ({ kind: 'string', value: unquote(slice(node, text)) }),
  ParenExpr: (node, text) => ({ kind: 'paren', inner: read(only(node), text) }),
  UnaryExpr(node, text) {
    const inner = read(only(node.lastChild ?? node, true), text)
    return slice(node, text).startsWith('-') ? { kind: 'negate', inner } : inner
  },
  VectorSelector: readSelector,
  MatrixSelector(node, text) {
    const selector = read(only(node), text)
    const [range] = durationsOf(node, text)
    if (selector.kind !== 'vector') throw fault('ranges are only allowed for vector selectors')
    return { kind: 'matrix', selector, rangeMs: positive(range) }
  },
  SubqueryExpr(node, text) {
    const [range, step] = durationsOf(node, text)
    const inner = read(only(node), text)
    return {
      kind: 'subquery',
      inner,
      rangeMs: positive(range),
      stepMs: step === undefined ? null : positive(step),
      shift: { offsetMs: 0, at: null },
    }
  },
  OffsetExpr(node, text) {
    const duration = node.getChild('OffsetDurationExpr')
    if (!duration) throw unsupported('this form of offset')
    const offsetMs = signedDuration(slice(duration, text))
    return shifted(read(only(node), text), (shift) => {
      if (shift.offsetMs !== 0) throw fault('offset may not be set multiple times')
      shift.offsetMs = offsetMs
    })
  },
  StepInvariantExpr(node, text) {
    const preprocessor = node.getChild('AtModifierPreprocessors')
    const literal = node.getChildren('NumberDurationLiteral').at(-1)
    const at = preprocessor
      ? (slice(preprocessor, text).replace(/[\s()]/g, '') as 'start' | 'end')
      : parseNumber(slice(literal ?? node, text)) * 1000
    if (typeof at === 'number' && !Number.isFinite(at)) throw fault('@: the time is not finite')
    return shifted(read(only(node), text), (shift) => {
      if (shift.at !== null) throw fault('@ may not be set multiple times')
      shift.at = typeof at === 'number' ? Math.round(at) : at
    })
  },
  BinaryExpr: readBinary,
  AggregateExpr(node, text) {
    const modifier = node.getChild('AggregateModifier')
    const args = argsOf(node, text)
    const operator = slice(node.getChild('AggregateOp') ?? node, text).toLowerCase()
    const inner = args.at(-1)
    const parametric = ['topk', 'bottomk', 'quantile', 'count_values'].includes(operator)
    if (inner === undefined || args.length !== (parametric ? 2 : 1)) {
      throw fault(`wrong number of arguments for aggregate expression ${operator}`)
    }
    const parameter = parametric ? (args[0] ?? null) : null
    const labels = modifier ? labelNames(modifier.getChild('GroupingLabels'), text) : []
    return { kind: 'aggregation', operator, by: !modifier?.getChild('Without'), labels, parameter, inner }
  },
  FunctionCall(node, text) {
    const name = slice(node.getChild('FunctionIdentifier') ?? node, text)
    return { kind: 'call', name, args: argsOf(node, text) }
  },
}

function read(node: SyntaxNode, text: string): Node {
  const reader = Object.hasOwn(readers, node.name) ? readers[node.name] : undefined
  if (!reader) throw unsupported(`"${slice(node, text).slice(0, 60)}"`)
  return reader(node, text)
}

function readSelector(node: SyntaxNode, text: string): VectorSelector {
  const matchers: LabelMatcher[] = []
  const name = node.getChild('Identifier')
  if (name) matchers.push({ name: '__name__', operator: '=', value: slice(name, text) })
  const list = node.getChild('LabelMatchers')
  for (let child = list?.firstChild ?? null; child; child = child.nextSibling) {
    if (child.name === 'QuotedLabelName') {
      matchers.push({ name: '__name__', operator: '=', value: unquote(slice(child, text)) })
      continue
    }
    const [label, operator, value] = [child.firstChild, child.getChild('MatchOp'), child.lastChild]
    if (!label || !operator || !value) throw fault(`"${slice(child, text)}" is no label matcher`)
    matchers.push({
      name: labelName(label, text),
      operator: slice(operator, text) as MatchOperator,
      value: unquote(slice(value, text)),
    })
  }
  return { kind: 'vector', matchers, shift: { offsetMs: 0, at: null } }
}

function readBinary(node: SyntaxNode, text: string): Node {
  const [first, second] = [node.firstChild, node.lastChild]
  if (!first || !second) throw fault('an operator needs two sides')
  const operatorNode = first.nextSibling
  const operator = slice(operatorNode ?? node, text).toLowerCase()
  const clause = node.getChild('MatchingModifierClause')
  const binary: Binary = {
    kind: 'binary',
    operator,
    bool: node.getChild('BoolModifier') !== null,
    matching: clause ? readMatching(clause, text) : null,
    left: read(first, text),
    right: read(second, text),
  }
  // The grammar takes the minus of -2^2 for a part of the number.
  if (operator === '^' && first.name === 'NumberDurationLiteral' && slice(first, text).startsWith('-')) {
    const base = read(first, text)
    const value = base.kind === 'number' ? -base.value : Number.NaN
    return { kind: 'negate', inner: { ...binary, left: { kind: 'number', value } } }
  }
  return binary
}

function readMatching(clause: SyntaxNode, text: string): Matching {
  const [labels, include] = clause.getChildren('GroupingLabels')
  const many = clause.getChild('GroupLeft') ? 'left' : clause.getChild('GroupRight') ? 'right' : null
  return {
    on: clause.getChild('On') !== null,
    labels: labelNames(labels ?? null, text),
    many,
    include: many === null ? [] : labelNames(include ?? null, text),
  }
}

/** Modifiers belong to the selector right before them, and so to the last operand of an operator without parentheses. */
function shifted(node: Node, change: (shift: Shift) => void): Node {
  if (node.kind === 'binary') return { ...node, right: shifted(node.right, change) }
  if (node.kind === 'negate') return { ...node, inner: shifted(node.inner, change) }
  if (node.kind === 'matrix') change(node.selector.shift)
  else if (node.kind === 'vector' || node.kind === 'subquery') change(node.shift)
  else throw fault('offset and @ must follow a selector or a subquery')
  return node
}

function argsOf(node: SyntaxNode, text: string): Node[] {
  const args: Node[] = []
  for (let child = node.getChild('FunctionCallBody')?.firstChild ?? null; child; child = child.nextSibling) {
    args.push(read(child, text))
  }
  return args
}

/** The expression among the children: the first, or with `last` the node itself when it is no operator. */
function only(node: SyntaxNode, last = false): SyntaxNode {
  const child = last ? node : node.firstChild
  if (!child) throw fault('an expression is missing')
  return child
}

function durationsOf(node: SyntaxNode, text: string): number[] {
  return node.getChildren('DurationExpr').map((child) => signedDuration(slice(child, text)))
}

function signedDuration(text: string): number {
  const value = parseNumber(text.replaceAll(/\s/g, '')) * 1000
  if (!Number.isFinite(value)) throw unsupported(`the duration "${text.slice(0, 40)}"`)
  return Math.round(value)
}

function positive(ms: number | undefined): number {
  if (ms === undefined || !(ms > 0)) throw fault('duration must be greater than 0')
  return ms
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' }

/** Strings as Go writes them. */
export function unquote(text: string): string {
  const body = text.slice(1, -1)
  if (text.startsWith('`')) return body
  return body.replaceAll(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gs,
    (whole, x?: string, u?: string, long?: string, octal?: string, one?: string) => {
      const hex = x ?? u ?? long
      const code = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16)
      if (one !== undefined) {
        if (Object.hasOwn(escapes, one)) return escapes[one] ?? ''
        if (/["'\\]/.test(one)) return one
        throw fault(`"${whole}" is no escape`)
      }
      if (code > 0x10ffff) throw fault(`"${whole}" is no character`)
      return String.fromCodePoint(code)
    },
  )
}

function labelNames(node: SyntaxNode | null, text: string): string[] {
  const names: string[] = []
  for (let child = node?.firstChild ?? null; child; child = child.nextSibling)
    names.push(labelName(child, text))
  return names
}

function labelName(node: SyntaxNode, text: string): string {
  return node.name === 'QuotedLabelName' ? unquote(slice(node, text)) : slice(node, text)
}

function slice(node: SyntaxNode, text: string): string {
  return text.slice(node.from, node.to)
}
