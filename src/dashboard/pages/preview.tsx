// Messages before and after a draft of rules, side by side where they differ.

import { useSignal } from '@preact/signals'
import { formatCount, formatWhen, harmless } from '../words.ts'

export interface CleanedReading {
  topic: string
  time: string
  seq: number
  rule?: string
  tags?: Record<string, string>
  units?: Record<string, string>
  refused?: { rule: string; field?: string; reason: string }
  fields: Record<string, number | string | boolean>
}

export interface Preview {
  messages: number
  changed: number
  refused: number
  data: { changed: boolean; before: CleanedReading; after: CleanedReading[] }[]
}

export function PreviewList({ preview }: { preview: Preview | null }) {
  const onlyChanged = useSignal(true)
  if (preview === null) return <p class="quiet">Working it out…</p>
  if (preview.messages === 0) return <p class="quiet">No stored message fits the filter.</p>
  const rows = preview.data.filter(({ changed }) => changed || !onlyChanged.value)
  return (
    <>
      <div class="actions" role="status">
        <span>
          {formatCount(preview.messages)} tried, <strong>{formatCount(preview.changed)} changed</strong>,{' '}
          <span class={preview.refused > 0 ? 'bad-text' : ''}>{formatCount(preview.refused)} refused</span>
        </span>
        <label class="check">
          <input
            type="checkbox"
            checked={onlyChanged.value}
            onChange={(event) => (onlyChanged.value = event.currentTarget.checked)}
          />
          Only what changes
        </label>
      </div>
      {rows.length === 0 ? <p class="quiet">The draft changes none of them.</p> : null}
      <ul class="previews" tabIndex={0} aria-label="Messages before and after">
        {rows.map(({ before, after }) => (
          <li key={before.seq}>
            <p class="preview-head">
              <bdi>
                <strong>{harmless(before.topic, 160)}</strong>
              </bdi>
              <time class="quiet" dateTime={before.time}>
                {formatWhen(before.time)}
              </time>
            </p>
            <FieldDiff before={before} after={after} />
          </li>
        ))}
      </ul>
    </>
  )
}

type Change = 'same' | 'removed' | 'added'

function FieldDiff({ before, after }: { before: CleanedReading; after: CleanedReading[] }) {
  const refusals = after.flatMap(({ refused }) => (refused === undefined ? [] : [refused]))
  const [first] = after
  const lines: { change: Change; text: string }[] = []
  const next =
    after.length === 1 && first !== undefined
      ? linesOf(first)
      : after.flatMap((one, index) => linesOf(one, `${index + 1}. `))
  const old = linesOf(before)
  for (const text of old) lines.push({ change: next.includes(text) ? 'same' : 'removed', text })
  for (const text of next) if (!old.includes(text)) lines.push({ change: 'added', text })
  const marks: Record<Change, string> = { same: ' ', removed: '−', added: '+' }
  const names: Record<Change, string> = { same: '', removed: 'before: ', added: 'after: ' }
  return (
    <>
      <ul class="diff">
        {lines.slice(0, 40).map(({ change, text }) => (
          <li key={`${change}${text}`} class={change}>
            <span aria-hidden="true">{marks[change]}</span>
            <span class="visually-hidden">{names[change]}</span>
            <bdi>{harmless(text, 300)}</bdi>
          </li>
        ))}
        {lines.length > 40 ? <li class="quiet">and {lines.length - 40} more</li> : null}
      </ul>
      {refusals.map(({ rule, field, reason }) => (
        <p key={`${rule}${reason}`} class="bad-text">
          Refused by {harmless(rule, 80)}: {field === undefined ? '' : `${harmless(field, 80)} `}
          {harmless(reason, 200)}
        </p>
      ))}
      {after.length === 0 ? <p class="quiet">Not stored.</p> : null}
    </>
  )
}

/** A reading as lines: its time, its tags, its fields with units. */
function linesOf({ fields, units = {}, tags = {}, time }: CleanedReading, prefix = ''): string[] {
  return [
    ...(prefix === '' ? [] : [`${prefix}time ${time}`]),
    ...Object.entries(tags).map(([name, value]) => `${prefix}#${name} ${value}`),
    ...Object.entries(fields).map(
      ([name, value]) =>
        `${prefix}${name} ${JSON.stringify(value)}${units[name] === undefined ? '' : ` ${units[name]}`}`,
    ),
  ]
}
