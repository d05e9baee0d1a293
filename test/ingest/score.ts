// How well real messages are read: every leaf a careful reader would extract is right, missing or wrong. Used by the test that
// holds the thresholds and by `bench/decode.ts`, which prints the list.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fields, FieldValue } from '../../src/domain/reading.ts'

export interface Message {
  id: string
  format: string
  topic: string
  payload: Buffer
  /** The leaves a careful reader would extract. */
  fields: Record<string, FieldValue>
  /** Digits a double would lose. */
  exact: Record<string, string>
  /** Leaves that are no sample. */
  nulls: string[]
  tags: Record<string, string>
  records: unknown
  timestamps: { path: string; format: string; value: string | number }[]
}

export interface Score {
  leaves: number
  right: number
  missing: string[]
  wrong: string[]
  /** Leaves nobody expected. */
  extra: string[]
  /** Samples made of what is none. */
  nulls: string[]
}

const file = join(import.meta.dirname, '../fixtures/messages.jsonl')

export function readMessages(): Message[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const message = JSON.parse(line) as Pick<Message, 'id' | 'format' | 'topic'> &
        Partial<Message> & { payload_utf8?: string; payload_base64?: string }
      const { payload_utf8: text, payload_base64: base64 = '' } = message
      const { fields = {}, exact = {}, nulls = [], tags = {}, records = null, timestamps = [] } = message
      const payload = text === undefined ? Buffer.from(base64, 'base64') : Buffer.from(text)
      return { ...message, payload, fields, exact, nulls, tags, records, timestamps }
    })
}

/** Scores what `fieldsOf` makes of every message. */
export function score(
  messages: readonly Message[],
  fieldsOf: (message: Message) => Fields | null | undefined,
): Score {
  const total: Score = { leaves: 0, right: 0, missing: [], wrong: [], extra: [], nulls: [] }
  for (const message of messages) {
    const found = fieldsOf(message) ?? {}
    const { id, fields, exact, nulls } = message
    for (const [path, value] of Object.entries(fields)) {
      total.leaves++
      const mine = found[path]
      const digits = exact[path]
      if (digits === undefined ? mine === value : String(mine) === digits) total.right++
      else if (mine === undefined) total.missing.push(`${id} ${path}`)
      else total.wrong.push(`${id} ${path}: ${mine} for ${value}`)
    }
    for (const path of Object.keys(found)) if (!(path in fields)) total.extra.push(`${id} ${path}`)
    for (const path of nulls) if (path in found) total.nulls.push(`${id} ${path}`)
  }
  return total
}
