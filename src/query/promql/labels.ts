// Label sets: what names a series. Keys are unambiguous texts, so that equal sets are found in a map.

/** Without a prototype; an empty value is a label that is not there. */
export type Labels = Readonly<Record<string, string>>

export const metricName = '__name__'

export function makeLabels(pairs: Iterable<readonly [string, string]>): Labels {
  const labels = Object.create(null) as Record<string, string>
  for (const [name, value] of pairs) if (value !== '') labels[name] = value
  return labels
}

export function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

export function without(labels: Labels, names: readonly string[]): Labels {
  return makeLabels(Object.entries(labels).filter(([name]) => !names.includes(name)))
}

export function only(labels: Labels, names: readonly string[]): Labels {
  return makeLabels(names.map((name) => [name, labels[name] ?? ''] as const))
}

/** A field as a metric name [a-zA-Z_:][a-zA-Z0-9_:]*. */
export function metricNameOf(field: string): string {
  const name = field.replaceAll(/[^a-zA-Z0-9_:]/g, '_')
  return /^\d/.test(name) || name === '' ? `_${name}` : name
}

/** A tag as a label name [a-zA-Z_][a-zA-Z0-9_]*; those of ours stay ours. */
export function labelNameOf(tag: string): string {
  const name = metricNameOf(tag).replaceAll(':', '_')
  return name === 'topic' || name === 'field' || name.startsWith('__') ? `tag_${name}` : name
}
