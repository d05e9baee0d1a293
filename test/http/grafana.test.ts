// The Grafana files are what the server serves, and every query of the dashboard is answered.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { grafanaDashboard, grafanaQueries, grafanaSource } from '../../src/http/grafana.ts'
import { startTestServer } from './server.ts'

const file = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../docker/grafana', name), 'utf8')

let server: Awaited<ReturnType<typeof startTestServer>>
beforeAll(async () => {
  server = await startTestServer()
  await server.put('open/a', 'x')
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
