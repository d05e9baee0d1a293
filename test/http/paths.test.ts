// What the caller got wrong is named: `errors` has the parameter as its path, and the reason says what would do.

import { afterAll, expect, test } from 'vitest'
import { startTestServer } from './server.ts'

const server = await startTestServer()
afterAll(() => server.close())

test.each([
  ['GET', '/api/v1/readings?from=x', 'from'],
  ['GET', '/api/v1/readings?to=', 'to'],
  ['GET', '/api/v1/readings?from=2&to=1', 'from'],
  ['GET', '/api/v1/latest?as_of=2026-13-01T00:00:00Z', 'as_of'],
  ['GET', '/api/v1/aggregate?from=99y99', 'from'],
  ['GET', '/api/v1/aggregate?every=1q', 'every'],
  ['GET', '/api/v1/aggregate?every=0s', 'every'],
  ['GET', '/api/v1/export?to=tomorrow', 'to'],
  ['GET', '/api/v1/presence?from=x', 'from'],
  ['GET', '/api/v1/presence?to=x', 'to'],
  ['GET', '/api/v1/rejects?from=x', 'from'],
  ['GET', '/api/v1/rejects?to=x', 'to'],
  ['POST', '/api/v1/rejects/replay?to=x', 'to'],
  ['DELETE', '/api/v1/readings?topic=x&dry_run=1&from=x', 'from'],
  ['DELETE', '/api/v1/readings?dry_run=1', 'topic'],
  ['DELETE', '/api/v1/readings?topic=x', 'confirm'],
  ['GET', '/api/v1/latest?topic=', 'topic'],
  ['GET', '/api/v1/latest?topic=a/%23/b', 'topic'],
  ['GET', '/api/v1/latest?prefix=%00', 'prefix'],
  ['GET', '/api/v1/latest?prefix=a/%2b', 'prefix'],
  ['GET', '/api/v1/stream?topic=', 'topic'],
  ['GET', '/api/v1/me?topic=', 'topic'],
  ['GET', '/api/v1/access?topic=', 'topic'],
  ['GET', '/api/v1/tree?below=%23', 'below'],
  ['GET', '/api/v1/tree?below=%00', 'below'],
  ['GET', '/api/v1/topics?cursor=x', 'cursor'],
  ['GET', '/api/v1/readings?cursor=', 'cursor'],
  ['GET', '/api/v1/retained?cursor=!!!', 'cursor'],
  ['GET', '/api/v1/clients?cursor=', 'cursor'],
  ['GET', '/api/v1/readings?limit=%ed', 'limit'],
])('%s %s names the parameter', async (method, target, path) => {
  const response = await server.ask(target, { method })
  expect(response.status).toBe(400)
  const { detail, errors } = (await response.json()) as { detail: string; errors?: unknown }
  expect(errors).toEqual([{ path, message: expect.any(String) }])
  expect(detail).toContain(path)
})

test.each([
  ['/api/v1/readings?order=up', 'order: must be one of desc, asc'],
  ['/api/v1/readings?raw=2', 'raw: must be one of 0, 1'],
  ['/api/v1/aggregate?fill=zero', 'fill: must be one of none, null, previous, linear'],
  ['/api/v1/export?format=xlsx', 'format: must be one of ndjson, csv, parquet'],
])('a word that %s does not know is answered with those it does', async (target, detail) => {
  const response = await server.ask(target)
  expect(response.status).toBe(400)
  const [path, message] = detail.split(': ')
  expect(await response.json()).toMatchObject({ detail, errors: [{ path, message }] })
})

test.each([
  ['/api/v1/publish', 'application/x-www-form-urlencoded', '', 'Content-Type: send application/json, not'],
  ['/api/v1/import', 'application/json', '', 'Content-Type: send application/x-ndjson or text/csv, not'],
  ['/api/v1/publish', 'application/json', 'gzip', 'Content-Encoding: send the body as it is, not as "gzip"'],
])('a body of another type or coding is told what %s takes', async (target, type, coding, detail) => {
  const headers = { 'content-type': type, ...(coding === '' ? {} : { 'content-encoding': coding }) }
  const response = await server.ask(target, { method: 'POST', headers, body: 'topic=a' })
  expect(response.status).toBe(415)
  const [path] = detail.split(':')
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining(detail), errors: [{ path }] })
})

test.each([
  ['/labels?start=2026-13-01T00:00:00Z', /invalid parameter "start".*timestamp/],
  ['/label/%ed/values', /%ed/],
  ['/nothing', /of Prometheus' API there are query, /],
])('the envelope of Prometheus holds for %s too', async (target, error) => {
  const response = await server.ask(`/prometheus/api/v1${target}`)
  expect(await response.json()).toMatchObject({ status: 'error', error: expect.stringMatching(error) })
})
