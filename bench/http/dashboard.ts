// A dashboard of Grafana with twenty panels over a day and a thousand series, asked of Amber and of VictoriaMetrics as Grafana
// asks: query_range, 720 steps. The answers are compared before anything is timed.

import { climateStart } from '../store/climate.ts'
import type { Client } from '../store/http.ts'
import { percentile } from '../store/process.ts'

const hourMs = 3_600_000
const stepS = 120

/** `M` stands for the name of the metric, which the two sides build in their own way; `T` for one topic. */
const panels = [
  'avg(M)',
  'max(M)',
  'min(M)',
  'count(M)',
  'sum(M) / count(M)',
  'stddev(M)',
  'quantile(0.95, M)',
  'topk(5, M)',
  'bottomk(5, M)',
  'M{topic="T"}',
  'M{topic=~"site/7/.*"}',
  'avg(M{topic=~"site/[0-4]/.*"})',
  'avg(avg_over_time(M[10m]))',
  'max(max_over_time(M[10m]))',
  'avg(M) - avg(M offset 1h)',
  'count(M > 25)',
  'avg_over_time(M{topic="T"}[1h])',
  'sum(rate(M{topic=~"site/3/.*"}[10m]))',
  'max(M) - min(M)',
  'avg(delta(M[30m]))',
]

export interface PanelTimes {
  query: string
  amberMs: number
  victoriaMs: number
}

interface Side {
  client: Client
  path: string
  metric: string
}

export async function compareDashboards(
  amber: Client,
  victoria: Client,
  rounds: number,
): Promise<PanelTimes[]> {
  const us: Side = { client: amber, path: '/prometheus/api/v1/query_range', metric: 'temperature' }
  const them: Side = { client: victoria, path: '/api/v1/query_range', metric: 'm_temperature' }
  const found: PanelTimes[] = []
  for (const query of panels) {
    const [ours, theirs] = [await ask(us, query), await ask(them, query)]
    checkSimilar(query, valuesOf(ours.body), valuesOf(theirs.body))
    const [amberMs, victoriaMs]: [number[], number[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      amberMs.push((await ask(us, query)).elapsedMs)
      victoriaMs.push((await ask(them, query)).elapsedMs)
    }
    found.push({ query, amberMs: percentile(amberMs, 0.5), victoriaMs: percentile(victoriaMs, 0.5) })
  }
  return found
}

function ask({ client, path, metric }: Side, query: string) {
  const text = query.replaceAll(/\bM\b/g, metric).replaceAll('"T"', '"site/7/device-7/climate"')
  const start = String(climateStart / 1000)
  const end = String((climateStart + 24 * hourMs) / 1000)
  const form = new URLSearchParams({
    query: text,
    start,
    end,
    step: String(stepS),
    nocache: '1',
  })
  return client.post(path, form.toString(), 'application/x-www-form-urlencoded')
}

function valuesOf(body: Buffer): number[][] {
  const { data } = JSON.parse(String(body)) as { data: { result: { values: [number, string][] }[] } }
  return data.result.map(({ values }) => values.map(([, text]) => Number(text)))
}

/**
 * VictoriaMetrics looks back less far for what is sent seldom and does not extrapolate rates, so that extremes, counts and rates
 * differ a little; means must agree. Number by number PromQL is compared with Prometheus in test/query/promql.
 */
function checkSimilar(query: string, ours: number[][], theirs: number[][]): void {
  const mean = (all: number[][]): number => {
    const numbers = all.flat()
    return numbers.reduce((sum, value) => sum + value, 0) / numbers.length
  }
  const [a, b] = [mean(ours), mean(theirs)]
  const isLoose = /rate|delta|topk|bottomk|min|count/.test(query)
  const isSame = isLoose || Math.abs(a - b) <= 0.02 * Math.max(1, Math.abs(b))
  if (ours.length === 0 || theirs.length === 0 || !isSame)
    throw new Error(`${query}: ${ours.length} series of mean ${a}, and ${theirs.length} of ${b}`)
}
