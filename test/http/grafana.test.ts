// The Grafana files are what the server serves, and every query of the dashboard is answered.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { grafanaDashboard, grafanaQueries, grafanaSource } from '../../src/http/grafana.ts'
import { decodeFields } from '../../src/ingest/decode/decode.ts'
import { startTestServer } from './server.ts'

const file = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../docker/grafana', name), 'utf8')

let server: Awaited<ReturnType<typeof startTestServer>>
beforeAll(async () => {
  server = await startTestServer({ fieldsOf: decodeFields })
  await server.put('open/a', '{"bytes":1}')
})
afterAll(() => server.close())

test('the provisioned data source and dashboard are those of the server', () => {
  const { datasources } = parse(file('provisioning/datasources/amber.yaml')) as { datasources: unknown[] }
  expect(datasources).toEqual([
    {
      ...grafanaSource('http://amber:8080/prometheus'),
      secureJsonData: { httpHeaderValue1: 'Bearer ${AMBER_TOKEN}' },
    },
  ])
  expect(JSON.parse(file('dashboards/amber.json'))).toEqual(JSON.parse(JSON.stringify(grafanaDashboard())))
  const { providers } = parse(file('provisioning/dashboards/amber.yaml')) as {
    providers: { options: { path: string } }[]
  }
  expect(file('compose.yaml')).toContain(`./grafana/dashboards:${providers[0]?.options.path}`)
})

test('the editor has a query laid out', async () => {
  const response = await server.ask('/prometheus/api/v1/format_query?query=sum(bytes)by(topic)')
  expect(await response.json()).toEqual({ status: 'success', data: 'sum by (topic) (bytes)' })
  const wrong = await server.ask('/prometheus/api/v1/format_query?query=sum(')
  expect([wrong.status, await wrong.json()]).toMatchObject([400, { status: 'error', errorType: 'bad_data' }])
})

test('the route gives both, with the address of this server', async () => {
  const answer = (await (await server.ask('/api/v1/grafana')).json()) as Record<string, unknown>
  expect(answer).toEqual({
    datasource: grafanaSource(`http://127.0.0.1:${server.port}/prometheus`),
    dashboard: JSON.parse(JSON.stringify(grafanaDashboard())) as unknown,
  })
})

test.each(grafanaQueries)('the server answers %s with something', async (query) => {
  const now = Date.now() / 1000
  for (const [path, form] of [
    ['query', { query, time: String(now) }],
    ['query_range', { query, start: String(now - 60), end: String(now), step: '15' }],
  ] as const) {
    const init = { method: 'POST', body: new URLSearchParams(form) }
    const answer = (await (await server.ask(`/prometheus/api/v1/${path}`, init)).json()) as {
      status: string
      data: { result: unknown[] }
    }
    expect(answer.status).toBe('success')
    expect(answer.data.result).toHaveLength(1)
  }
})

test('the values of the variables of the dashboard are there', async () => {
  for (const name of ['topic', 'field']) {
    const answer = (await (await server.ask(`/prometheus/api/v1/label/${name}/values`)).json()) as {
      data: string[]
    }
    expect(answer.data).toHaveLength(1)
  }
})

const now = Math.floor(Date.now() / 1000)
const when = `start=${now - 3600}&end=${now + 60}`
/** What a stock Grafana sends, from its sources: saving the source, query builder, label browser, variables, annotations. */
test.each([
  ['POST', 'query', 'query=1%2B1&time=4.000', { resultType: 'scalar', result: [4, '2'] }],
  ['GET', 'status/buildinfo', '', { version: expect.stringMatching(/^\d+\.\d+\.\d+$/) }],
  ['GET', 'rules', '', { groups: [] }],
  ['GET', 'alerts', '', { alerts: [] }],
  ['GET', 'query_exemplars', `query=test&${when}`, []],
  ['POST', 'query_exemplars', `query=test&${when}`, []],
  ['GET', 'label/__name__/values', `${when}&limit=40000`, ['bytes']],
  ['GET', 'metadata', 'limit=40000', { bytes: [{ type: 'gauge', help: '', unit: '' }] }],
  ['GET', 'metadata', 'limit=40000&metric=nothing', {}],
  ['POST', 'labels', `${when}&limit=40000`, ['__name__', 'field', 'topic']],
  ['POST', 'labels', `match%5B%5D=bytes&match%5B%5D=other&${when}`, ['__name__', 'field', 'topic']],
  ['GET', 'label/topic/values', `match%5B%5D=%7B__name__%3D%22bytes%22%7D&${when}&limit=40000`, ['open/a']],
  ['GET', 'label/field/values', `match%5B%5D=%7B__name__%3D~%22.*yte.*%22%7D&${when}`, ['bytes']],
  ['GET', 'label/nothing/values', when, []],
  ['POST', 'series', `match%5B%5D=%7B__name__!%3D%22%22%7D&${when}&limit=40000`, [{ topic: 'open/a' }]],
  [
    'POST',
    'query',
    `query=bytes%7Btopic%3D%22open%2Fa%22%7D&time=${now + 60}.5`,
    { result: [{ metric: {} }] },
  ],
  [
    'POST',
    'query_range',
    `query=changes%28bytes%5B1m%5D%29+%3E%3D+0&start=${now - 3600}&end=${now + 60}&step=60`,
    { resultType: 'matrix', result: [{ metric: { topic: 'open/a' } }] },
  ],
] as const)('Grafana asks %s %s?%s', async (method, path, text, data) => {
  const url = `/prometheus/api/v1/${path}`
  const response =
    method === 'GET'
      ? await server.ask(`${url}?${text}`)
      : await server.ask(url, {
          method,
          body: text,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        })
  expect(await response.json()).toMatchObject({ status: 'success', data })
  expect(response.status).toBe(200)
})

test.each(['parse_query', 'targets', 'status/tsdb', 'nothing'])(
  'what Prometheus has beside that, such as %s, is a 404 that says what there is',
  async (path) => {
    const response = await server.ask(`/prometheus/api/v1/${path}?query=up`)
    const { status, error } = (await response.json()) as { status: string; error: string }
    expect([response.status, status]).toEqual([404, 'error'])
    const [, list = ''] = /there are (.*) under \/prometheus\/api\/v1$/.exec(error) ?? []
    const document = (await (await server.ask('/openapi.json')).json()) as { paths: Record<string, unknown> }
    const documented = Object.keys(document.paths).filter((one) => one.startsWith('/prometheus/api/v1/'))
    const named = list.split(', ').map((one) => `/prometheus/api/v1/${one.replace(':name', '{name}')}`)
    expect(named.toSorted()).toEqual(documented.toSorted())
  },
)
