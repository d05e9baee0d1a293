// PromQL's functions of the samples in a window: rates with Prometheus' extrapolation to the ends of the window, statistics over
// time. They stand here because windows are worked out where samples are read.

/** Samples `from` to `to` (left out) of a series, in a window of time in seconds. */
export interface Window {
  times: Float64Array
  values: Float64Array
  from: number
  to: number
  startMs: number
  endMs: number
  /** Where the extreme of the window before is, and where that window ended: windows move on, and most keep theirs. -1: none yet. */
  extremeAt: number
  extremeTo: number
}

/** `undefined`: the window has no value. `parameter` is the scalar of functions that take one. */
export type OverTime = (window: Window, parameter: number) => number | undefined

export const overTime: Record<string, OverTime> = {
  rate: (window) => extrapolated(window, true, true),
  increase: (window) => extrapolated(window, true, false),
  delta: (window) => extrapolated(window, false, false),
  irate: (window) => lastTwo(window, true),
  idelta: (window) => lastTwo(window, false),
  deriv: (window) =>
    window.to - window.from < 2 ? undefined : regression(window, window.times[window.from] ?? 0).slope,
  predict_linear(window, ahead) {
    if (window.to - window.from < 2) return undefined
    const { slope, intercept } = regression(window, window.endMs)
    return slope * ahead + intercept
  },
  changes: (window) =>
    pairs(window, (before, now) => now !== before && !(Number.isNaN(now) && Number.isNaN(before))),
  resets: (window) => pairs(window, (before, now) => now < before),
  avg_over_time: (window) => sumOf(window) / (window.to - window.from),
  sum_over_time: sumOf,
  count_over_time: ({ from, to }) => to - from,
  min_over_time: (window) => extremeOf(window, 1),
  max_over_time: (window) => extremeOf(window, -1),
  last_over_time: ({ values, to }) => values[to - 1],
  present_over_time: () => 1,
  stdvar_over_time: varianceOf,
  stddev_over_time: (window) => Math.sqrt(varianceOf(window)),
}

/** Those that make no NaN of finite samples short of an overflow, so that NaN can stand for "no number". */
const stepFunctions = [
  'rate increase delta irate idelta deriv changes resets',
  'avg_over_time sum_over_time count_over_time min_over_time max_over_time last_over_time present_over_time',
  'stdvar_over_time stddev_over_time',
].flatMap((names) => names.split(' '))

/** Whether a function of windows can be asked of `ReadingReader.steps`. */
export const isStepFunction = (name: string): boolean => stepFunctions.includes(name)

/** Samples in the order of their times, no two at one; the first `length` of the arrays. */
export interface WindowSamples {
  times: Float64Array
  values: Float64Array
  length: number
}

export interface Windows {
  /** Where windows end; they do not go back. A window begins after its end - `rangeMs` [PromQL: left-open]. */
  at: Float64Array
  rangeMs: number
  work: OverTime
  /** The scalar of functions that take one, a number a window. */
  parameter: Float64Array | null
}

/** Samples that windows look at between two moments in which others may be let in. */
const lookedMax = 65_536

/**
 * What each window comes to, and whether it has a value; without one it gets NaN. Gives `null` where others may be let in: windows
 * of one series may look at millions of samples, a thousand times over.
 */
export function* fillWindows(
  target: Float64Array,
  has: Uint8Array | null,
  { times, values, length }: WindowSamples,
  { at, rangeMs, work, parameter }: Windows,
): Generator<null, void> {
  let looked = 0
  const window: Window = {
    times,
    values,
    from: 0,
    to: 0,
    startMs: 0,
    endMs: 0,
    extremeAt: -1,
    extremeTo: 0,
  }
  let [from, to] = [0, 0]
  for (let step = 0; step < at.length; step++) {
    const endMs = at[step] ?? 0
    from = after(times, from, length, endMs - rangeMs)
    to = after(times, to, length, endMs)
    target[step] = Number.NaN
    if (to <= from) continue
    window.from = from
    window.to = to
    window.startMs = endMs - rangeMs
    window.endMs = endMs
    looked += to - from
    if (looked > lookedMax) {
      yield null
      looked = 0
    }
    const value = work(window, parameter === null ? Number.NaN : (parameter[step] ?? Number.NaN))
    if (value === undefined) continue
    target[step] = value
    if (has !== null) has[step] = 1
  }
}

/** The index of the first time after `time`, from `at` on. */
function after(times: Float64Array, at: number, length: number, time: number): number {
  let next = at
  while (next < length && (times[next] ?? 0) <= time) next++
  return next
}

/** Of values that are put in order in place. */
export function quantile(values: Float64Array, q: number): number {
  values.sort()
  return quantileOf(values.length, q, (place) => values[place] ?? Number.NaN)
}

/** Linear between the two nearest of `count` values in order, as Prometheus has it. */
export function quantileOf(count: number, q: number, valueAt: (place: number) => number): number {
  if (count === 0 || Number.isNaN(q)) return Number.NaN
  if (q < 0) return Number.NEGATIVE_INFINITY
  if (q > 1) return Number.POSITIVE_INFINITY
  const rank = q * (count - 1)
  const lower = Math.max(0, Math.floor(rank))
  const upper = Math.min(count - 1, lower + 1)
  const weight = rank - Math.floor(rank)
  return valueAt(lower) * (1 - weight) + valueAt(upper) * weight
}

/** Neumaier's sum: what rounding loses is kept beside. */
function sumOf({ values, from, to }: Window): number {
  let sum = 0
  let lost = 0
  for (let at = from; at < to; at++) {
    const value = values[at] ?? Number.NaN
    const total = sum + value
    if (total - total !== 0) lost = 0
    else lost += Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum
    sum = total
  }
  return sum + lost
}

/** The same of the squared distances from the mean, written out: it runs over millions of samples a thousand times. */
function varianceOf(window: Window): number {
  const { values, from, to } = window
  const mean = sumOf(window) / (to - from)
  let sum = 0
  let lost = 0
  for (let at = from; at < to; at++) {
    const value = ((values[at] ?? Number.NaN) - mean) ** 2
    const total = sum + value
    if (total - total !== 0) lost = 0
    else lost += Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum
    sum = total
  }
  return (sum + lost) / (to - from)
}

/** Neumaier's sum, a number after the other. */
class Total {
  #sum = 0
  #lost = 0

  add(value: number): void {
    const total = this.#sum + value
    if (total - total !== 0) this.#lost = 0
    else if (Math.abs(this.#sum) >= Math.abs(value)) this.#lost += this.#sum - total + value
    else this.#lost += value - total + this.#sum
    this.#sum = total
  }

  get value(): number {
    return this.#sum + this.#lost
  }
}

/** The lowest (`sign` 1) or the highest (-1); NaN gives way to any number. Only what has come into the window is looked at. */
function extremeOf(window: Window, sign: 1 | -1): number {
  const { values, from, to } = window
  const isKept = window.extremeAt >= from
  let bestAt = isKept ? window.extremeAt : from
  let best = values[bestAt] ?? Number.NaN
  for (let at = isKept ? window.extremeTo : from + 1; at < to; at++) {
    const value = values[at] ?? Number.NaN
    if (sign * value < sign * best || best !== best) {
      best = value
      bestAt = at
    }
  }
  window.extremeAt = bestAt
  window.extremeTo = to
  return best
}

function pairs({ values, from, to }: Window, counts: (before: number, now: number) => boolean): number {
  let found = 0
  for (let at = from + 1; at < to; at++) {
    if (counts(values[at - 1] ?? Number.NaN, values[at] ?? Number.NaN)) found++
  }
  return found
}

/** Prometheus' promql/functions.go, extrapolatedRate: a window rarely begins and ends at a sample. */
function extrapolated(window: Window, isCounter: boolean, isRate: boolean): number | undefined {
  const { times, values, from, to, startMs, endMs } = window
  if (to - from < 2) return undefined
  const first = values[from] ?? Number.NaN
  let result = (values[to - 1] ?? Number.NaN) - first
  if (isCounter) {
    for (let at = from + 1; at < to; at++) {
      const before = values[at - 1] ?? Number.NaN
      if ((values[at] ?? Number.NaN) < before) result += before
    }
  }
  const firstTime = times[from] ?? 0
  const lastTime = times[to - 1] ?? 0
  const sampled = (lastTime - firstTime) / 1000
  let toStart = (firstTime - startMs) / 1000
  const toEnd = (endMs - lastTime) / 1000
  const average = sampled / (to - from - 1)
  // A counter is not below zero before it began.
  if (isCounter && result > 0 && first >= 0) toStart = Math.min(toStart, sampled * (first / result))
  const threshold = average * 1.1
  const reach =
    sampled + (toStart < threshold ? toStart : average / 2) + (toEnd < threshold ? toEnd : average / 2)
  const factor = reach / sampled
  return result * (isRate ? factor / ((endMs - startMs) / 1000) : factor)
}

function lastTwo({ times, values, from, to }: Window, isRate: boolean): number | undefined {
  if (to - from < 2) return undefined
  const [before, last] = [values[to - 2] ?? Number.NaN, values[to - 1] ?? Number.NaN]
  if (!isRate) return last - before
  const seconds = ((times[to - 1] ?? 0) - (times[to - 2] ?? 0)) / 1000
  return (last < before ? last : last - before) / seconds
}

/** Least squares; the intercept is the value at `originMs`. */
function regression(
  { times, values, from, to }: Window,
  originMs: number,
): { slope: number; intercept: number } {
  const n = to - from
  const first = values[from] ?? Number.NaN
  let isLevel = true
  for (let at = from; at < to && isLevel; at++) isLevel = values[at] === first
  if (isLevel) return { slope: Number.isFinite(first) ? 0 : Number.NaN, intercept: first }
  const sums = { x: new Total(), y: new Total(), xy: new Total(), x2: new Total() }
  for (let at = from; at < to; at++) {
    const x = ((times[at] ?? 0) - originMs) / 1000
    const y = values[at] ?? Number.NaN
    sums.x.add(x)
    sums.y.add(y)
    sums.xy.add(x * y)
    sums.x2.add(x * x)
  }
  const [sumX, sumY, sumXY, sumX2] = [sums.x.value, sums.y.value, sums.xy.value, sums.x2.value]
  const covariance = sumXY - (sumX * sumY) / n
  const variance = sumX2 - (sumX * sumX) / n
  const slope = covariance / variance
  return { slope, intercept: sumY / n - (slope * sumX) / n }
}
