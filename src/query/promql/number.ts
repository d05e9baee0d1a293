// Numbers and durations as PromQL spells them.

import { fault } from './faults.ts'

const unitMs: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, y: 31536e6 }

/** A number, or a duration in seconds. */
export function parseNumber(text: string): number {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? []
  const factor = sign === '-' ? -1 : 1
  if (/^inf(inity)?$/i.test(rest)) return factor * Number.POSITIVE_INFINITY
  if (/^nan$/i.test(rest)) return Number.NaN
  if (/^(?:\d+(?:ms|[smhdwy]))+$/.test(rest)) {
    let ms = 0
    for (const [, count, unit] of rest.matchAll(/(\d+)(ms|[smhdwy])/g))
      ms += Number(count) * (unitMs[unit ?? ''] ?? 0)
    return (factor * ms) / 1000
  }
  const value = Number(rest.replaceAll('_', ''))
  if (rest === '' || Number.isNaN(value)) throw fault(`"${text.slice(0, 40)}" is no number`)
  return factor * value
}
