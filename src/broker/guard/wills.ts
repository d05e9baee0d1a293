// aedes@2.0.0-beta.1 sends the will delay to subscribers, where it is no property of a PUBLISH [MQTT-3.1.3.2.2];
// the encoder writes it and a strict subscriber closes. It is taken off when the will is published.

import type { AedesBroker } from '../client.ts'

export function guardWills(broker: AedesBroker): void {
  const publishWill = broker.publishWill.bind(broker)
  broker.publishWill = (client, will) => {
    if (will.properties?.willDelayInterval === undefined) return publishWill(client, will)
    const { willDelayInterval: _, ...properties } = will.properties
    publishWill(client, { ...will, properties })
  }
}
