// The most frequent packet, read without a parser: a PUBLISH that has no properties [MQTT-3.3]. It was checked before
// (packets.ts), so that only its parts are cut out here.

import type { PublishPacket } from '../client.ts'
import type { Frame } from './packets.ts'

/** The publish in a frame that was found without fault, its `messageId` 0 at QoS 0; `null` for another packet, or one with properties. */
export function readPlainPublish(
  { bytes, start, end, header }: Frame,
  version: number,
): PublishPacket | null {
  if (header >> 4 !== 3) return null
  const qos = ((header >> 1) & 3) as 0 | 1 | 2
  const topicEnd = start + 2 + ((bytes[start] as number) << 8) + (bytes[start + 1] as number)
  let at = topicEnd
  let messageId = 0
  if (qos > 0) {
    messageId = ((bytes[at] as number) << 8) + (bytes[at + 1] as number)
    at += 2
  }
  if (version === 5) {
    if (bytes[at] !== 0) return null
    at++
  }
  return {
    cmd: 'publish',
    topic: bytes.toString('utf8', start + 2, topicEnd),
    payload: bytes.subarray(at, end),
    qos,
    retain: (header & 1) !== 0,
    dup: (header & 8) !== 0,
    messageId,
  }
}
