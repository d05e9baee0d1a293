// One operation of the OpenAPI document as generators of clients want it: a name, parameters that may be left out where there is a
// default, one enum for a choice, every form an answer may have, and the errors it may end with.

import { problemName } from './openapiProblems.ts'

interface ParameterSchema {
  type?: string
  default?: unknown
  anyOf?: { type?: string; enum?: unknown[] }[]
  enum?: unknown[]
}

export interface Operation {
  operationId?: string
  tags?: string[]
  security?: object[]
  parameters?: { name: string; in: string; required?: boolean; schema: ParameterSchema; example?: unknown }[]
  requestBody?: { required?: boolean }
  responses: Record<string, { description?: string; content?: Record<string, unknown>; $ref?: string }>
}

/** Those that let everybody in. */
const open = new Set(['/healthz', '/readyz'])

export function polishOperation(
  operation: Operation,
  { path, method }: { path: string; method: string },
): void {
  operation.operationId ??= nameOf(path, method)
  if (open.has(path)) operation.security = []
  for (const parameter of operation.parameters ?? []) {
    const { schema } = parameter
    if (schema.default !== undefined) parameter.required = false
    const choices = schema.anyOf?.flatMap((one) => one.enum ?? [])
    if (choices && choices.length === schema.anyOf?.length) {
      schema.type = 'string'
      schema.enum = choices
      delete schema.anyOf
    }
    if (schema.type === 'array' && parameter.example !== undefined)
      parameter.example = [parameter.example].flat()
  }
  const success = operation.responses['200']
  const has = (name: string): boolean => operation.parameters?.some((one) => one.name === name) ?? false
  if (success && (has('cursor') || has('shape'))) addForms(success)
  for (const status of statusesOf(operation, path, method)) {
    const name = path.startsWith('/prometheus/') ? 'PrometheusError' : problemName(status)
    operation.responses[status] = { $ref: `#/components/responses/${name}` }
  }
}

/** A page of rows may also be lines or a table. */
function addForms(success: { content?: Record<string, unknown> }): void {
  success.content = {
    ...success.content,
    'application/x-ndjson': { schema: { type: 'string', description: 'The rows, one JSON object a line.' } },
    'text/csv': { schema: { type: 'string', description: 'The rows, under a line of names.' } },
  }
}

function statusesOf({ parameters, requestBody }: Operation, path: string, method: string): number[] {
  if (open.has(path)) return path === '/readyz' ? [503] : []
  const statuses = [400, 401, 403, 422, 429, 500, 503]
  if (path.includes('{') || method === 'delete') statuses.push(404)
  if (parameters?.some(({ name }) => name === 'format')) statuses.push(406)
  if (parameters?.some(({ name }) => name === 'if-match')) statuses.push(412)
  if (method !== 'get') statuses.push(409)
  if (requestBody) statuses.push(413, 415)
  return statuses.sort((a, b) => a - b)
}

/** `GET /api/v1/clients/{id}` → `getClientsById`. */
function nameOf(path: string, method: string): string {
  const words = path
    .replace(/^\/api\/v1\//, '/')
    .replace('/api/v1/', '/')
    .split(/[/.-]/)
    .filter((word) => word !== '')
    .map((word) => (word.startsWith('{') ? `by-${word.slice(1, -1)}` : word))
    .flatMap((word) => word.split(/[-_]/))
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}
