// MQTT 5 properties that travel over a bridge, between their form in a packet and their form in a reading.

import type { IPublishPacket } from 'mqtt-packet'
import type { PublishProperties } from '../../domain/reading.ts'

type Wire = NonNullable<IPublishPacket['properties']>

/** Of a packet that came from the other side; `null`: none. */
export function receivedProperties(wire: Wire | undefined): PublishProperties | null {
  if (wire === undefined) return null
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData } = wire
  const properties: PublishProperties = {
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpiryInterval }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(wire.userProperties === undefined ? {} : { userProperties: pairsOf(wire.userProperties) }),
  }
  return Object.keys(properties).length === 0 ? null : properties
}

/** Of a packet to send there: all but what belongs to the connection it came by. */
export function sentProperties(wire: Wire | undefined): Wire | undefined {
  if (wire === undefined) return undefined
  const { topicAlias: _alias, subscriptionIdentifier: _subscription, ...rest } = wire
  return Object.keys(rest).length === 0 ? undefined : rest
}

function pairsOf(userProperties: NonNullable<Wire['userProperties']>): [string, string][] {
  return Object.entries(userProperties).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, String(value)]),
  )
}
