// The samples both sides of the comparison hold: three sites, gauges and a counter that begins anew, gaps, negative values.
// No sample lies on the end of a window, where Prometheus 2 and 3 differ.

export const baseS = 1_700_000_000
export const steps = { start: baseS + 1800, end: baseS + 7200, step: 900 }

export interface SamplePoint {
  topic: string
  field: string
  timeMs: number
  value: number
}

/** By time. */
export function makeSamples(): SamplePoint[] {
  const points: SamplePoint[] = []
  for (const [at, site] of ['a', 'b', 'c'].entries()) {
    const topic = `site/${site}/env`
    let count = at * 100
    for (let n = 0; n < 240; n++) {
      // c is silent for a while, b sends half as often.
      if ((site === 'c' && n > 80 && n < 130) || (site === 'b' && n % 2 === 1)) continue
      const timeMs = baseS * 1000 + n * 30_000 + ((n * 7919 + at * 104_729) % 9000) + 137
      count = n % 90 === 60 ? at : count + ((n * 31 + at * 17) % 11)
      const add = (field: string, value: number): void => void points.push({ topic, field, timeMs, value })
      add('temperature', Math.round((20 + at * 2 + 5 * Math.sin(n / 17 + at)) * 100) / 100)
      add('power.kw', Math.round((Math.cos(n / 5) * 3 - at) * 1000) / 1000)
      add('requests', count)
      add('state', (n >> 4) % 3)
    }
  }
  return points.sort((x, y) => x.timeMs - y.timeMs)
}
