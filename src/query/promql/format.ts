// A PromQL expression as text again, laid out as Prometheus does it: on one line, or an operand and an argument a line where it is
// longer than a hundred characters.

import type { Aggregation, Binary, Node, Shift, Subquery, VectorSelector } from './ast.ts'

const lineMax = 100

export function formatPromql(node: Node): string {
  return pretty(node, 0)
}

function pretty(node: Node, level: number): string {
  const indent = '  '.repeat(level)
  const line = write(node)
  if (line.length <= lineMax) return indent + line
  const deeper = (inner: Node): string => pretty(inner, level + 1)
  switch (node.kind) {
    case 'aggregation': {
      const parts = node.parameter ? [node.parameter, node.inner] : [node.inner]
      return `${indent}${headOf(node)}(\n${parts.map(deeper).join(',\n')}\n${indent})`
    }
    case 'binary':
      return `${deeper(node.left)}\n${indent}${operatorOf(node)}\n${deeper(node.right)}`
    case 'call':
      return `${indent}${node.name}(\n${node.args.map(deeper).join(',\n')}\n${indent})`
    case 'paren':
      return `${indent}(\n${deeper(node.inner)}\n${indent})`
    case 'negate':
      return `${indent}-${pretty(node.inner, level).trimStart()}`
    case 'subquery':
      return pretty(node.inner, level) + windowOf(node)
    default:
      return indent + line
  }
}

function write(node: Node): string {
  switch (node.kind) {
    case 'number':
      return numberText(node.value)
    case 'string':
      return quote(node.value)
    case 'negate':
      return `-${write(node.inner)}`
    case 'paren':
      return `(${write(node.inner)})`
    case 'vector':
      return selectorText(node) + shiftText(node.shift)
    case 'matrix':
      return `${selectorText(node.selector)}[${durationText(node.rangeMs)}]${shiftText(node.selector.shift)}`
    case 'subquery':
      return write(node.inner) + windowOf(node)
    case 'binary':
      return `${write(node.left)} ${operatorOf(node)} ${write(node.right)}`
    case 'call':
      return `${node.name}(${node.args.map(write).join(', ')})`
    case 'aggregation': {
      const parts = node.parameter ? [node.parameter, node.inner] : [node.inner]
      return `${headOf(node)}(${parts.map(write).join(', ')})`
    }
  }
}

function headOf({ operator, by, labels }: Aggregation): string {
  if (!by) return `${operator} without (${labels.join(', ')}) `
  return labels.length === 0 ? operator : `${operator} by (${labels.join(', ')}) `
}

function operatorOf({ operator, bool, matching }: Binary): string {
  const words = [bool ? `${operator} bool` : operator]
  if (matching && (matching.on || matching.labels.length > 0 || matching.many !== null))
    words.push(`${matching.on ? 'on' : 'ignoring'} (${matching.labels.join(', ')})`)
  if (matching?.many) words.push(`group_${matching.many} (${matching.include.join(', ')})`)
  return words.join(' ')
}

function windowOf({ rangeMs, stepMs, shift }: Subquery): string {
  return `[${durationText(rangeMs)}:${stepMs === null ? '' : durationText(stepMs)}]${shiftText(shift)}`
}

/** A name before the braces is one that was given so: words and nothing else. */
function selectorText({ matchers }: VectorSelector): string {
  const named = matchers.findIndex(
    ({ name, operator, value }) =>
      name === '__name__' && operator === '=' && /^[a-zA-Z_:][\w:]*$/.test(value),
  )
  const rest = matchers.filter((_one, at) => at !== named)
  const list = rest.map(({ name, operator, value }) => `${labelText(name)}${operator}${quote(value)}`)
  const braces = list.length > 0 || named === -1 ? `{${list.join(',')}}` : ''
  return `${matchers[named]?.value ?? ''}${braces}`
}

function labelText(name: string): string {
  return /^[a-zA-Z_]\w*$/.test(name) ? name : quote(name)
}

function shiftText({ at, offsetMs }: Shift): string {
  const time = at === null ? '' : ` @ ${typeof at === 'number' ? (at / 1000).toFixed(3) : `${at}()`}`
  if (offsetMs === 0) return time
  return `${time} offset ${offsetMs < 0 ? '-' : ''}${durationText(Math.abs(offsetMs))}`
}

const units = [
  ['y', 31_536_000_000],
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** Years, weeks and days stand alone where nothing is left over, as in Prometheus. */
function durationText(ms: number): string {
  let left = ms
  let text = ''
  for (const [unit, length] of units) {
    const isExactOnly = unit === 'y' || unit === 'w'
    if (isExactOnly && left % length !== 0) continue
    const count = Math.floor(left / length)
    if (count === 0) continue
    text += `${count}${unit}`
    left -= count * length
  }
  return text === '' ? '0s' : text
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const text = Math.abs(value) < 1e-4 && value !== 0 ? value.toExponential() : String(value)
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

function quote(text: string): string {
  return JSON.stringify(text).replaceAll(/\\u00([0-9a-f]{2})/g, '\\x$1')
}
