// One row of an import as a reading: JSON as `export` and `readings` write it, or the cells of a CSV record. Says what is
// wrong with a row in one line; the other rows go on.

import type { Principal } from '../auth/principal.ts'
import { AppError } from '../domain/errors.ts'
import type { Fields, NewReading } from '../domain/reading.ts'
import { parseTime } from '../domain/time.ts'
import { printable, topicFault } from '../domain/topic.ts'
import { checkImportId, type ImportRow } from '../ingest/importRows.ts'
import { decodeBase64 } from './base64.ts'
import { membersOf } from './jsonSlices.ts'
import { parseProperties } from './propertiesText.ts'

export interface RowContext {
  principal: Principal
  now: number
}

type Cells = Record<string, unknown>

/** Throws an `AppError` that says what is wrong. */
export function parseJsonRow(text: string, line: number, context: RowContext): ImportRow {
  let row: unknown
  try {
    row = JSON.parse(text)
  } catch (error) {
    throw new AppError('bad_request', `this is not JSON: ${(error as Error).message.slice(0, 100)}`)
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) fail('this is not a JSON object')
  const cells = Object.assign(Object.create(null) as Cells, row)
  // A value is stored as it is written, so that a 19-digit integer keeps every digit.
  const value = cells['value'] === undefined ? undefined : membersOf(text.trim()).get('value')
  return rowOf(cells, value, line, context)
}

export function parseCsvRow(cells: Record<string, string>, line: number, context: RowContext): ImportRow {
  const given: Cells = Object.create(null) as Cells
  for (const [name, cell] of Object.entries(cells)) if (cell !== '') given[name] = cell
  // An empty cell in a column of its own is an empty payload.
  const columns = ['payload', 'payload_base64', 'value'].filter(
    (name) => Object.hasOwn(cells, name) || name in cells,
  )
  if (columns.every((name) => given[name] === undefined) && columns[0] !== undefined) given[columns[0]] = ''
  const { qos, retain, value } = given
  if (qos !== undefined) given['qos'] = Number(qos)
  if (retain !== undefined)
    given['retain'] =
      retain === 'true' || retain === '1' ? true : retain === 'false' || retain === '0' ? false : retain
  // Only of a record without a payload; a listing writes them beside every payload.
  for (const name of ['fields', 'properties']) {
    const cell = given[name]
    if (typeof cell === 'string') given[name] = parseCell(name, cell)
  }
  return rowOf(given, typeof value === 'string' ? value : undefined, line, context)
}

function rowOf(cells: Cells, value: string | undefined, line: number, context: RowContext): ImportRow {
  const { topic, client_id: clientId = '', qos = 0, retain = false } = cells
  if (typeof topic !== 'string') return fail('topic: must be a string')
  const fault = topicFault(topic)
  if (fault !== null) return fail(`topic: ${fault}`)
  if (topic.startsWith('$')) return fail(`topic: "${printable(topic)}" is the server's own [MQTT-4.7.2]`)
  if (!context.principal.mayWrite(topic)) return fail(`topic: you may not publish to "${printable(topic)}"`)
  if (typeof clientId !== 'string') return fail('client_id: must be a string')
  if (qos !== 0 && qos !== 1 && qos !== 2) return fail('qos: must be 0, 1 or 2')
  if (typeof retain !== 'boolean') return fail('retain: must be true or false')
  const time = timeOf(cells, 'time', context)
  const receivedAt = timeOf(cells, 'received_at', context)
  const reading: NewReading = {
    topic,
    time: time ?? receivedAt ?? context.now,
    receivedAt: receivedAt ?? context.now,
    source: 'import',
    clientId,
    user: context.principal.name,
    qos,
    retain,
    dup: false,
    properties: parseProperties(cells['properties']),
    payload: payloadOf(cells, value),
    fields: null,
  }
  if (reading.payload.length === 0) reading.fields = fieldsOf(cells['fields'])
  return { line, id: checkImportId(cells['id']), hasReceivedAt: receivedAt !== null, reading }
}

function parseCell(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return fail(`${name}: is not JSON`)
  }
}

function timeOf(cells: Cells, name: string, { now }: RowContext): number | null {
  const given = cells[name]
  if (given === undefined || given === null || given === '') return null
  const text = typeof given === 'number' ? String(given) : given
  if (typeof text !== 'string' || (typeof given === 'number' && !Number.isSafeInteger(given)))
    return fail(`${name}: must be RFC 3339 or milliseconds`)
  try {
    return Math.floor(parseTime(text, now))
  } catch (error) {
    return fail(`${name}: ${(error as Error).message}`)
  }
}

function payloadOf(cells: Cells, value: string | undefined): Uint8Array {
  const { payload, payload_base64: base64 } = cells
  if (payload !== undefined) {
    if (typeof payload !== 'string' || !payload.isWellFormed())
      return fail('payload: must be a string of Unicode')
    return Buffer.from(payload)
  }
  if (base64 !== undefined) {
    const bytes = typeof base64 === 'string' ? decodeBase64(base64) : null
    return bytes ?? fail('payload_base64: is not base64')
  }
  if (value === undefined) return fail('give one of payload, payload_base64, value')
  if (cells['value'] === null) return new Uint8Array(0)
  return Buffer.from(typeof cells['value'] === 'string' ? cells['value'] : value)
}

/** What cleaning had made of a message whose payload stands in another reading. */
function fieldsOf(given: unknown): Fields | null {
  if (typeof given !== 'object' || given === null) return null
  const fields = Object.create(null) as Fields
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'string') {
      return fail(`fields: "${printable(name)}" must be a number, true, false or a string`)
    }
    fields[name] = value
  }
  return Object.keys(fields).length === 0 ? null : fields
}

function fail(message: string): never {
  throw new AppError('bad_request', message)
}
