// The past of the demo devices as rows to import: oldest first, at round times, so that the same past is stored once however often
// it is asked for.

import { Readable } from 'node:stream'
import { formatTime } from '../../domain/time.ts'
import type { Device } from './devices.ts'

/** A week of seconds is nothing a chart shows: in the past each device spoke as often as this at most. */
const everyMsLeast = 60_000

/** NDJSON for POST /api/v1/import. */
export function historyOf(devices: readonly Device[], from: number, to: number): Readable {
  return Readable.from(linesOf(devices, from, to))
}

function* linesOf(devices: readonly Device[], from: number, to: number): Generator<string> {
  for (let time = Math.ceil(from / everyMsLeast) * everyMsLeast; time < to; time += everyMsLeast) {
    let lines = ''
    for (const { clientId, everyMs, at } of devices) {
      if (time % Math.max(everyMs, everyMsLeast) !== 0) continue
      for (const { topic, payload } of at(time)) {
        lines += `${JSON.stringify({ topic, time: formatTime(time), client_id: clientId, qos: 1, payload })}\n`
      }
    }
    if (lines !== '') yield lines
  }
}
