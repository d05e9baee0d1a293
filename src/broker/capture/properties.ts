// MQTT 5 properties between the wire and a reading. What travels end to end is kept [MQTT-3.3.2.3];
// topic aliases and subscription identifiers belong to one connection and are not.

import type { PublishProperties } from '../../domain/reading.ts'
import type { WireProperties } from '../client.ts'
import type { Pairs } from '../wire/properties.ts'

/** The properties a reading carries, or `null` when there are none. */
export function readingProperties(
  wire: WireProperties,
  userProperties: Pairs | undefined,
): PublishProperties | null {
  const kept: PublishProperties = {}
  let count = 0
  if (wire.payloadFormatIndicator !== undefined) {
    kept.payloadFormatIndicator = wire.payloadFormatIndicator
    count++
  }
  if (wire.messageExpiryInterval !== undefined) {
    kept.messageExpiryInterval = wire.messageExpiryInterval
    count++
  }
  if (wire.contentType !== undefined) {
    kept.contentType = wire.contentType
    count++
  }
  if (wire.responseTopic !== undefined) {
    kept.responseTopic = wire.responseTopic
    count++
  }
  if (wire.correlationData !== undefined) {
    kept.correlationData = Buffer.from(wire.correlationData)
    count++
  }
  if (userProperties !== undefined) {
    kept.userProperties = userProperties
    count++
  }
  return count === 0 ? null : kept
}
