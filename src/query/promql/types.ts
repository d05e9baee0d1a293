// What each function takes and gives, and the check of an expression against it, before anything is read.

import type { Node, ValueType } from './ast.ts'
import { fault, unsupported } from './faults.ts'

interface Signature {
  args: ValueType[]
  /** How many of the last may be left out. */
  optional?: number
  /** The last may come any number of times. */
  variadic?: true
  result: ValueType
}

const overTime = { args: ['matrix'], result: 'vector' } satisfies Signature
const simple = { args: ['vector'], result: 'vector' } satisfies Signature
const date = { args: ['vector'], optional: 1, result: 'vector' } satisfies Signature
const names = (list: string, signature: Signature): [string, Signature][] =>
  list.split(' ').map((name) => [name, signature])

export const signatures = new Map<string, Signature>([
  ...names('rate increase irate delta idelta deriv changes resets', overTime),
  ...names('avg_over_time min_over_time max_over_time sum_over_time count_over_time', overTime),
  ...names('stddev_over_time stdvar_over_time last_over_time present_over_time absent_over_time', overTime),
  ['quantile_over_time', { args: ['scalar', 'matrix'], result: 'vector' }],
  ['predict_linear', { args: ['matrix', 'scalar'], result: 'vector' }],
  ...names('abs ceil floor exp ln log2 log10 sqrt sgn deg rad', simple),
  ...names('sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh', simple),
  ...names('timestamp sort sort_desc absent', simple),
  ...names('hour minute month year day_of_week day_of_month day_of_year days_in_month', date),
  ['round', { args: ['vector', 'scalar'], optional: 1, result: 'vector' }],
  ['clamp', { args: ['vector', 'scalar', 'scalar'], result: 'vector' }],
  ['clamp_min', { args: ['vector', 'scalar'], result: 'vector' }],
  ['clamp_max', { args: ['vector', 'scalar'], result: 'vector' }],
  ['scalar', { args: ['vector'], result: 'scalar' }],
  ['vector', { args: ['scalar'], result: 'vector' }],
  ['time', { args: [], result: 'scalar' }],
  ['pi', { args: [], result: 'scalar' }],
  ['label_replace', { args: ['vector', 'string', 'string', 'string', 'string'], result: 'vector' }],
  [
    'label_join',
    { args: ['vector', 'string', 'string', 'string'], optional: 1, variadic: true, result: 'vector' },
  ],
])

const comparisons = new Set(['==', '!=', '>', '<', '>=', '<='])
const sets = new Set(['and', 'or', 'unless'])

/** What an expression gives. Throws `bad_request` or, for a function that is not there, `query_limit`. */
export function checkTypes(node: Node): ValueType {
  switch (node.kind) {
    case 'number':
      return 'scalar'
    case 'string':
      return 'string'
    case 'vector':
      return 'vector'
    case 'matrix':
      checkTypes(node.selector)
      return 'matrix'
    case 'subquery':
      expect(node.inner, ['vector', 'scalar'], 'a subquery')
      return 'matrix'
    case 'paren':
      return checkTypes(node.inner)
    case 'negate':
      return expect(node.inner, ['scalar', 'vector'], 'a minus')
    case 'aggregation':
      expect(node.inner, ['vector'], node.operator)
      if (node.parameter)
        expect(node.parameter, [node.operator === 'count_values' ? 'string' : 'scalar'], node.operator)
      return 'vector'
    case 'binary':
      return checkBinary(node)
    case 'call':
      return checkCall(node.name, node.args)
  }
}

function checkBinary(node: Extract<Node, { kind: 'binary' }>): ValueType {
  const { operator, bool, matching } = node
  const left = expect(node.left, ['scalar', 'vector'], operator)
  const right = expect(node.right, ['scalar', 'vector'], operator)
  const isComparison = comparisons.has(operator)
  if (bool && !isComparison) throw fault('bool modifier can only be used on comparison operators')
  const both = left === 'vector' && right === 'vector'
  if (sets.has(operator) && !both) throw fault(`set operator ${operator} needs vectors on both sides`)
  if (sets.has(operator) && matching && matching.many !== null)
    throw fault(`no grouping allowed for ${operator}`)
  if (matching && !both) throw fault('vector matching only allowed between vectors')
  const twice =
    matching?.on === true ? matching.include.find((name) => matching.labels.includes(name)) : undefined
  if (twice !== undefined) throw fault(`label "${twice}" must not occur in ON and GROUP clause at once`)
  if (left === 'scalar' && right === 'scalar') {
    if (isComparison && !bool) throw fault('comparisons between scalars must use bool modifier')
    return 'scalar'
  }
  return 'vector'
}

function checkCall(name: string, args: readonly Node[]): ValueType {
  const signature = signatures.get(name)
  if (!signature) throw unsupported(`the function ${name}`)
  const least = signature.args.length - (signature.optional ?? 0)
  const most = signature.variadic ? Number.POSITIVE_INFINITY : signature.args.length
  if (args.length < least || args.length > most) {
    throw fault(
      `expected ${least === most ? least : `${least} or more`} argument(s) in call to "${name}", got ${args.length}`,
    )
  }
  for (const [at, arg] of args.entries()) {
    const wanted = signature.args[at] ?? signature.args.at(-1)
    if (wanted) expect(arg, [wanted], name)
  }
  return signature.result
}

function expect(node: Node, wanted: readonly ValueType[], where: string): ValueType {
  const given = checkTypes(node)
  if (!wanted.includes(given)) throw fault(`expected type ${wanted.join(' or ')} in ${where}, got ${given}`)
  return given
}
