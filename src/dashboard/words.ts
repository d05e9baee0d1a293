// Numbers, sizes and times as people read them: in their language, in the time zone of the browser, with the zone named.

const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const full = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})
const day = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

const anyDay = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' })

export const zoneName = Intl.DateTimeFormat().resolvedOptions().timeZone

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const precise = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 })

/** Never longer than a tile. */
export const formatShort = (value: number): string =>
  Math.abs(value) >= 1_000_000 ? compact.format(value) : whole.format(value)

/** A measured value. */
export const formatFigure = (value: number): string => precise.format(value)

export const formatCount = (value: number): string => whole.format(value)

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${short.format(value)} ${units[unit]}`
}

/** With date and zone. */
export const formatTime = (time: string | number): string => full.format(new Date(time))

/** The hour alone within a day, day and hour within half a year, else the date. */
export function formatWhen(time: string | number, now = Date.now()): string {
  const ms = new Date(time).getTime()
  const far = Math.abs(now - ms)
  if (far < 86_400_000) return clock.format(ms)
  return far < 182 * 86_400_000 ? day.format(ms) : anyDay.format(ms)
}

/** One unit, for columns. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, ms / 1000)
  if (seconds < 1) return 'now'
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  const [large, small, unit, part] =
    seconds < 86_400
      ? [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), 'h', 'min']
      : [Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3600), 'd', 'h']
  return `${large} ${unit}${small === 0 ? '' : ` ${small} ${part}`}`
}

/**
 * Text of a stranger as it may stand in the page: marks that turn the direction of what follows, and control characters, are
 * shown as what they are.
 */
export function harmless(text: string, lengthMax = 400): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text
  return cut.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (mark) => `\\u${(mark.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}
