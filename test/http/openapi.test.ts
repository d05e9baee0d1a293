// The OpenAPI document against the server: every operation it lists is there, its examples are answered with a status it
// names, its answers are of the shapes it promises, and every error code stands in it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTokenFile } from '../../src/auth/tokenFile.ts'
import { createUsers } from '../../src/auth/users.ts'
import { errorKinds } from '../../src/domain/errors.ts'
import { startTestServer } from './server.ts'

interface Parameter {
  name: string
  required?: boolean
  in: string
  schema: {
    examples?: unknown[]
    enum?: unknown[]
    default?: unknown
    anyOf?: { const?: unknown; enum?: unknown[] }[]
  }
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
type Content = Record<string, { schema?: { examples?: unknown[] }; example?: unknown }>
interface Operation {
  operationId?: string
  parameters?: Parameter[]
  requestBody?: { content: Content }
  responses: Record<string, { $ref?: string; content?: Content }>
  summary?: string
  tags?: string[]
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { responses: Record<string, { content?: Content }> }
}

let directory: string
let server: Awaited<ReturnType<typeof startTestServer>>
let document: Document
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'amber-openapi-'))
  writeFileSync(join(directory, 'passwd'), 'ann:anns\n')
  const reload = async (): Promise<void> => undefined
  server = await startTestServer({
    access: () => ({
      users: createUsers(join(directory, 'passwd'), { reload }),
      tokens: createTokenFile(join(directory, 'tokens')),
    }),
  })
  await server.put('home/kitchen/temperature', '21.5')
  document = (await (await server.ask('/openapi.json')).json()) as Document
})
afterAll(async () => {
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

const operations = (): { path: string; method: string; operation: Operation }[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
const exampleOf = ({ schema, example, examples }: Parameter): string[] =>
  [example, ...Object.values(examples ?? {}).map(({ value }) => value), ...(schema.examples ?? [])]
    .flat()
    .filter((value) => value !== undefined)
    .map(String)

test('it is OpenAPI 3.1, and every operation says what it does', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(operations().length).toBeGreaterThan(25)
  expect(operations().filter(({ operation }) => !operation.summary || !operation.tags)).toEqual([])
})

test('every error code stands under its status, and every operation names the errors it may end with', () => {
  const texts = Object.entries(document.components.responses)
    .filter(([name]) => name.startsWith('Problem'))
    .map(([, one]) => JSON.stringify(one))
  const told = new Set(Object.keys(document.components.responses))
  for (const [code, { status }] of Object.entries(errorKinds)) {
    // What is refused where no route is, is of no operation.
    if (!told.has(`Problem${status}`)) expect([404, 405]).toContain(status)
    else
      expect(
        texts.filter((text) => text.includes(`"${code}"`)),
        code,
      ).toHaveLength(1)
  }
  for (const { path, operation } of operations()) {
    if (path === '/healthz' || path === '/readyz') continue
    for (const status of ['400', '401', '403', '422', '429', '500', '503']) {
      expect(operation.responses[status]?.$ref, `${path} ${status}`).toMatch(
        path.startsWith('/prometheus/') ? /PrometheusError$/ : new RegExp(`Problem${status}$`),
      )
    }
  }
})

test('operations have names of their own, and what has a default may be left out', () => {
  const names = operations().map(({ operation }) => operation.operationId)
  expect(new Set(names).size).toBe(names.length)
  const needed = operations().flatMap(({ path, operation }) =>
    (operation.parameters ?? [])
      .filter((one) => one.required === true && one.in === 'query')
      .map(({ name }) => `${path} ${name}`),
  )
  expect(needed.filter((one) => !one.startsWith('/prometheus/'))).toEqual(['/api/v1/access topic'])
})

test('every route that takes a body says which, and its examples are taken', async () => {
  const bare = new Set([
    '/api/v1/tickets',
    '/api/v1/rules/reprocess',
    '/api/v1/rejects/replay',
    ...['pause', 'resume', 'cancel'].map((action) => `/api/v1/jobs/{id}/${action}`),
  ])
  for (const { path, method, operation } of operations()) {
    if (method !== 'post' && method !== 'put') continue
    if (!bare.has(path)) expect(operation.requestBody, `${method} ${path}`).toBeDefined()
    for (const [type, { example, schema }] of Object.entries(operation.requestBody?.content ?? {})) {
      const body = example ?? schema?.examples?.[0]
      if (body === undefined || path.startsWith('/api/v1/rules')) continue
      const response = await server.ask(path, {
        method: method.toUpperCase(),
        headers: { 'content-type': type },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      expect(response.status, `${path}: ${await response.text()}`).toBeLessThan(300)
    }
  }
})

test('every example of a parameter is answered as the document says', async () => {
  let asked = 0
  for (const { path, method, operation } of operations()) {
    // A stream does not end, and what a path names must be there.
    if (method !== 'get' || path === '/api/v1/stream' || path.includes('{') || path.startsWith('/prometheus'))
      continue
    const required = (operation.parameters ?? []).filter((one) => one.required === true)
    if (required.length > 0) continue
    const examples = (operation.parameters ?? []).flatMap((one) =>
      exampleOf(one).map((value) => ({ name: one.name, value })),
    )
    // Alone where nothing must be given.
    const needed = (operation.parameters ?? []).some(({ required }) => required === true)
    for (const one of needed ? examples : [null, ...examples]) {
      const query = one === null ? '' : `?${one.name}=${encodeURIComponent(one.value)}`
      const response = await server.ask(`${path}${query}`)
      expect(response.status, `${path}${query}: ${await response.text()}`).toBe(
        operation.responses['204'] && !one ? 204 : 200,
      )
      asked++
    }
  }
  expect(asked).toBeGreaterThan(20)
})

const ajv = new Ajv2020({ strict: false })
test.each([
  '/api/v1/topics',
  '/api/v1/latest',
  '/api/v1/latest?raw=1&time=ns&fields=value',
  '/api/v1/readings?from=-1h&limit=1',
  '/api/v1/aggregate?every=1h&fn=mean,p95,count&fill=null',
  '/api/v1/aggregate?every=1h&shape=columns&group=none',
  '/api/v1/retained',
  '/api/v1/clients',
  '/api/v1/stats',
  '/api/v1/rules',
  '/api/v1/me',
  '/healthz',
  '/prometheus/api/v1/query?query=vector(1)',
  '/prometheus/api/v1/metadata',
])('the answer of %s is what the document promises', async (target) => {
  const [path = ''] = target.split('?')
  const response = await server.ask(target)
  const answer: unknown = await response.json()
  expect(response.status, JSON.stringify(answer)).toBe(200)
  const schema = document.paths[path]?.['get']?.responses['200']?.content?.['application/json']?.schema
  expect(schema).toBeDefined()
  const isValid = ajv.compile(schema ?? false)
  expect(isValid(answer), JSON.stringify(isValid.errors)).toBe(true)
})

test.each([
  ['/api/v1/readings?from=never', 400],
  ['/api/v1/readings?form=1', 400],
  ['/api/v1/latest?topic=closed/a', 403],
  ['/api/v1/aggregate?every=1ms&from=-1y', 422],
  ['/prometheus/api/v1/query?query=(', 400],
])('the error of %s is what the document promises', async (target, status) => {
  const response = await server.ask(target, { user: 'guest' })
  const answer: unknown = await response.json()
  expect(response.status).toBe(status)
  const name = target.startsWith('/prometheus') ? 'PrometheusError' : `Problem${status}`
  const [content] = Object.values(document.components.responses[name]?.content ?? {})
  const isValid = ajv.compile(content?.schema ?? false)
  expect(isValid(answer), JSON.stringify(isValid.errors)).toBe(true)
})
