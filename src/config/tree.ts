// The configuration schema seen as a tree of JSON Schema nodes: what a value of each key must be, said in words,
// and text from the environment or a flag turned into such a value.

import { configSchema } from './schema.ts'

/** The part of JSON Schema that the schema uses. A test proves that it uses no more. */
export interface SchemaNode {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean'
  description?: string
  default?: unknown
  properties?: Record<string, SchemaNode>
  required?: readonly string[]
  items?: SchemaNode
  enum?: readonly string[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  additionalProperties?: boolean
}

export interface ConfigKey {
  /** `http.port`. */
  name: string
  node: SchemaNode
}

export const configRoot = configSchema as SchemaNode

/** Every key that holds a value, in the order of the schema. */
export function configKeys(node: SchemaNode = configRoot, prefix = ''): ConfigKey[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const name = prefix === '' ? key : `${prefix}.${key}`
    return child.properties ? configKeys(child, name) : [{ name, node: child }]
  })
}

/** What a value must be, in words: `a whole number from 0 to 65535`. */
export function expectation(node: SchemaNode): string {
  if (node.enum) return `one of ${node.enum.join(', ')}`
  if (node.type === 'boolean') return 'true or false'
  if (node.type === 'integer' || node.type === 'number') {
    const kind = node.type === 'integer' ? 'a whole number' : 'a number'
    const { minimum, maximum } = node
    const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
    if (minimum !== undefined && bounded) return `${kind} from ${minimum} to ${maximum}`
    if (minimum !== undefined) return `${kind} of at least ${minimum}`
    return bounded ? `${kind} of at most ${maximum}` : kind
  }
  if (node.type === 'array') return 'a list'
  if (node.type === 'object') return 'a section with keys'
  return (node.minLength ?? 0) > 0 ? 'a text that is not empty' : 'a text'
}

/** Whether a value that is no section and no list is as the node wants it. */
export function isFitting(node: SchemaNode, value: unknown): boolean {
  if (node.enum) return typeof value === 'string' && node.enum.includes(value)
  switch (node.type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
    case 'number':
      return (
        typeof value === 'number' &&
        (node.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
        value >= (node.minimum ?? -Infinity) &&
        value <= (node.maximum ?? Infinity)
      )
    case 'string':
      return (
        typeof value === 'string' &&
        value.length >= (node.minLength ?? 0) &&
        value.length <= (node.maxLength ?? Infinity)
      )
    default:
      return false
  }
}

/** Text of a variable or a flag as the value it stands for; what cannot be one stays text, and is refused later. */
export function fromText(node: SchemaNode, text: string): unknown {
  if (node.type === 'boolean') {
    if (/^(true|yes|on|1)$/i.test(text)) return true
    return /^(false|no|off|0)$/i.test(text) ? false : text
  }
  if (node.type === 'integer' || node.type === 'number') {
    return /^[+-]?\d+(\.\d+)?(e\d+)?$/i.test(text.trim()) ? Number(text) : text
  }
  if (node.type !== 'array') return text
  if (text.trimStart().startsWith('[')) {
    try {
      return JSON.parse(text) as unknown
    } catch {
      return text
    }
  }
  const parts = text.split(',').map((part) => part.trim())
  return parts.filter((part) => part !== '').map((part) => fromText(node.items ?? {}, part))
}
