// Values of collectd's plugins (PUTVAL, as its MQTT plugin publishes them): `1795521590.000:0.5:1.25`, a time in seconds and the
// values of the plugin in its order, `U` for none. Which is which says `types.db`, not the message.

import { type Decoded, Leaves } from './decoded.ts'

const line = /^(\d{10}\.\d{3})((?::(?:[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|[+-]?nan|U))+)$/
const charsMax = 4096

/** One value as `value`, several as `0`, `1`, …; `null` when `text` is none of it. */
export function decodeCollectd(text: string): Decoded | null {
  // Most text shows at one place that it is something else.
  if (text.charCodeAt(14) !== colon || text.length > charsMax) return null
  const [, seconds, list = ''] = line.exec(text) ?? []
  if (seconds === undefined) return null
  const leaves = new Leaves()
  const values = list.slice(1).split(':')
  for (const [index, value] of values.entries()) {
    leaves.set(values.length === 1 ? 'value' : String(index), value === 'U' ? null : Number(value))
  }
  leaves.end({ time: Math.round(Number(seconds) * 1000) })
  return leaves.decoded('collectd')
}

const colon = 58
