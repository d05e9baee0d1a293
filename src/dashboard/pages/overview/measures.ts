// What the server counts about itself, out of `/metrics` and `/api/v1/stats`: figures now, and rates between two looks.

import { ask, askText } from '../../api.ts'

/** One line of Prometheus' text format. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)/.exec(line)
    if (!found || line.startsWith('#')) continue
    const [, name = '', labelText = '', value = ''] = found
    const labels: Record<string, string> = {}
    for (const [, key = '', text = ''] of labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = text
    samples.push({ name, labels, value: Number(value) })
  }
  return samples
}

export interface Stats {
  version: string
  store: {
    state: string
    readings: number
    topics: number
    last_seq: number
    disk_bytes: number
    pending: number
    days_until_full?: number | null
    disk_free_bytes?: number | null
  }
  ledger: Record<string, Record<'received' | 'stored' | 'rejected' | 'deduplicated' | 'discarded', number>>
}

/** One look. */
export interface Look {
  at: number
  stats: Stats
  samples: readonly Sample[]
}

export async function look(): Promise<Look> {
  const [stats, metrics] = await Promise.all([ask<Stats>('/api/v1/stats'), askText('/metrics')])
  return { at: Date.now(), stats, samples: parseMetrics(metrics) }
}

export function sumOf(look: Look, name: string, labels: Record<string, string> = {}): number {
  return look.samples
    .filter(
      (one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text),
    )
    .reduce((sum, { value }) => sum + value, 0)
}

/** A second, between two looks; never negative, so that a restart is no fall. */
export function rateOf(before: Look, now: Look, name: string): number {
  const seconds = (now.at - before.at) / 1000
  return seconds <= 0 ? 0 : Math.max(0, (sumOf(now, name) - sumOf(before, name)) / seconds)
}

/**
 * A quantile of a histogram over what came between two looks, as Prometheus' `histogram_quantile` does: on a straight line
 * within the bucket. `null` when nothing came.
 */
export function quantileOf(q: number, before: Look, now: Look, name: string): number | null {
  const boundsOf = (one: Look): Map<number, number> =>
    new Map(
      one.samples
        .filter((sample) => sample.name === `${name}_bucket`)
        .map(({ labels, value }) => [labels['le'] === '+Inf' ? Infinity : Number(labels['le']), value]),
    )
  const earlier = boundsOf(before)
  const buckets = [...boundsOf(now)].map(([bound, n]) => ({ bound, n: n - (earlier.get(bound) ?? 0) }))
  buckets.sort((a, b) => a.bound - b.bound)
  const total = buckets.at(-1)?.n ?? 0
  if (total <= 0) return null
  const rank = q * total
  let lower = { bound: 0, n: 0 }
  for (const bucket of buckets) {
    if (bucket.n >= rank) {
      if (bucket.bound === Infinity) return lower.bound
      return lower.bound + ((bucket.bound - lower.bound) * (rank - lower.n)) / (bucket.n - lower.n || 1)
    }
    lower = bucket
  }
  return lower.bound
}
