// The last hour of the topics in sight, and the units of their values: asked for once the list stands still, so that scrolling
// through a hundred thousand topics asks for none of them.

import { rows } from '../../listing.ts'
import { usePoll } from '../../poll.ts'
import { between, useStill } from '../../still.ts'

export interface Outlook {
  /** Name of the field that is drawn. */
  field: string
  values: readonly (number | null)[]
  /** Of a bare value; empty where none is known. */
  unit: string
}

interface Series {
  topic: string
  field: string
  mean: (number | null)[]
}

interface Listed {
  topic: string
  fields: { name: string; type: string; unit?: string }[]
}

const stillMs = 400
const everyMs = 60_000

/** `topics`: no more than one request may name. */
export function useOutlook(topics: readonly string[]): ReadonlyMap<string, Outlook> {
  const key = useStill(topics.join(between), stillMs)
  const asked = key === '' ? [] : key.split(between)
  const { data } = usePoll(() => load(asked), everyMs, key === '' ? null : key)
  return data.value ?? none
}

const none: ReadonlyMap<string, Outlook> = new Map()

async function load(topics: readonly string[]): Promise<ReadonlyMap<string, Outlook>> {
  const [series, listed] = await Promise.all([
    rows<Series>('/api/v1/aggregate', {
      topic: topics,
      from: '-1h',
      every: '2m',
      fn: 'mean',
      // A device that speaks every ten minutes has a line all the same.
      fill: 'linear',
      shape: 'columns',
    }),
    rows<Listed>('/api/v1/topics', { topic: topics, limit: topics.length }),
  ])
  const byTopic = new Map<string, Series[]>()
  for (const one of series) byTopic.set(one.topic, [...(byTopic.get(one.topic) ?? []), one])
  return new Map(
    listed.map(({ topic, fields }): [string, Outlook] => {
      const found = byTopic.get(topic) ?? []
      const field = tellingField(fields)
      const unit = fields.find(({ name }) => name === 'value')?.unit ?? ''
      return [topic, { field, values: found.find((one) => one.field === field)?.mean ?? [], unit }]
    }),
  )
}

/** Which number tells most of a device: its bare value, then one whose unit is known, then the first. */
function tellingField(fields: Listed['fields']): string {
  const numbers = fields.filter(({ type }) => type === 'number')
  const telling =
    numbers.find(({ name }) => name === 'value') ?? numbers.find(({ unit }) => unit) ?? numbers[0]
  return telling?.name ?? ''
}
