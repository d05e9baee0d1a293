// The OpenAPI document against the server: every operation it lists is there, its examples are answered with a status it
// names, and every error code stands in it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTokenFile } from '../../src/auth/tokenFile.ts'
import { createUsers } from '../../src/auth/users.ts'
import { errorKinds } from '../../src/domain/errors.ts'
import { startTestServer } from './server.ts'

interface Parameter {
  name: string
  in: string
  required?: boolean
  schema: {
    examples?: unknown[]
    enum?: unknown[]
    default?: unknown
    anyOf?: { const?: unknown; enum?: unknown[] }[]
  }
  example?: unknown
  examples?: Record<string, { value: unknown }>
}
interface Operation {
  parameters?: Parameter[]
  responses: Record<string, { content?: Record<string, { schema?: unknown }> }>
  summary?: string
  tags?: string[]
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
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

test('every error code is in the problem of every route of the API', () => {
  const api = operations().filter(({ path }) => path.startsWith('/api/'))
  for (const { path, operation } of api) {
    const text = JSON.stringify(operation.responses['4XX'])
    for (const code of Object.keys(errorKinds)) expect(text, path).toContain(`"${code}"`)
  }
})

test('every example of a parameter is answered as the document says', async () => {
  let asked = 0
  for (const { path, method, operation } of operations()) {
    // A stream does not end, and what a path names must be there.
    if (method !== 'get' || path === '/api/v1/stream' || path.includes('{') || path.startsWith('/prometheus'))
      continue
    const examples = (operation.parameters ?? []).flatMap((one) =>
      exampleOf(one).map((value) => ({ name: one.name, value })),
    )
    // Alone where nothing must be given.
    const needed = (operation.parameters ?? []).some(({ required }) => required === true)
    for (const one of needed ? examples : [null, ...examples]) {
      const query = one === null ? '' : `?${one.name}=${encodeURIComponent(one.value)}`
      const response = await server.ask(`${path}${query}`)
      expect(response.status, `${path}${query}: ${await response.text()}`).toBe(200)
      asked++
    }
  }
  expect(asked).toBeGreaterThan(20)
})

test('every answer of a client’s first steps has the fields the document promises', async () => {
  for (const path of [
    '/api/v1/topics',
    '/api/v1/latest',
    '/api/v1/readings',
    '/api/v1/aggregate',
    '/api/v1/retained',
    '/api/v1/clients',
  ]) {
    const answer = (await (await server.ask(path)).json()) as {
      data: unknown[]
      page: Record<string, unknown>
    }
    expect(Object.keys(answer.page).sort()).toEqual(['has_more', 'limit', 'next'])
    expect(
      document.paths[path]?.['get']?.responses['200']?.content?.['application/json']?.schema,
    ).toBeDefined()
  }
})
