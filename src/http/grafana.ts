// The data source and the dashboard for a stock Grafana: what docker/grafana provisions and GET /api/v1/grafana serves (a test
// keeps the two equal, and asks every query of the dashboard).

const source = { type: 'prometheus', uid: 'amber' }

/** As Grafana's provisioning and its HTTP API take it. */
export function grafanaSource(url: string) {
  return {
    name: 'Amber',
    ...source,
    access: 'proxy',
    url,
    jsonData: { httpMethod: 'POST', timeInterval: '10s', httpHeaderName1: 'Authorization' },
  }
}

interface Panel {
  title: string
  type: 'timeseries' | 'table' | 'stat'
  expr: string
  at: { x: number; y: number; w: number; h: number }
  legend?: string
}

const chosen = '{topic=~"$topic", field=~"$field"}'
const panels: Panel[] = [
  {
    title: 'Newest',
    type: 'stat',
    expr: chosen,
    at: { x: 0, y: 0, w: 24, h: 6 },
    legend: '{{topic}} {{field}}',
  },
  {
    title: 'Values',
    type: 'timeseries',
    expr: chosen,
    at: { x: 0, y: 6, w: 24, h: 10 },
    legend: '{{topic}} {{field}}',
  },
  {
    title: 'Readings a minute',
    type: 'timeseries',
    expr: `sum by (topic) (count_over_time(${chosen}[5m])) / 5`,
    at: { x: 0, y: 16, w: 12, h: 8 },
    legend: '{{topic}}',
  },
  {
    title: 'Spread over an hour',
    type: 'table',
    expr: `max_over_time(${chosen}[1h]) - min_over_time(${chosen}[1h])`,
    at: { x: 12, y: 16, w: 12, h: 8 },
  },
]

/** Every expression of the dashboard, with all topics and fields. */
export const grafanaQueries: readonly string[] = panels.map(({ expr }) =>
  expr.replaceAll(/\$(?:topic|field)/g, '.+'),
)

export function grafanaDashboard() {
  return {
    uid: 'amber',
    title: 'Amber',
    tags: ['amber', 'mqtt'],
    schemaVersion: 39,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: ['topic', 'field'].map((label) => ({
        name: label,
        label,
        type: 'query',
        datasource: source,
        query: { query: `label_values(${label})`, refId: label },
        definition: `label_values(${label})`,
        refresh: 2,
        includeAll: true,
        multi: true,
        allValue: '.+',
        current: { text: 'All', value: '$__all' },
      })),
    },
    panels: panels.map(({ title, type, expr, at, legend }, index) => ({
      id: index + 1,
      title,
      type,
      datasource: source,
      gridPos: at,
      targets: [
        {
          refId: 'A',
          datasource: source,
          expr,
          ...(legend === undefined ? {} : { legendFormat: legend }),
          ...(type === 'timeseries'
            ? { range: true }
            : { instant: true, format: type === 'table' ? 'table' : 'time_series' }),
        },
      ],
    })),
  }
}
