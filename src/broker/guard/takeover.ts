// Two connections that take over the same client id at once both stay connected in aedes@2.0.0-beta.1, because each
// closes only the one it found. The last to register is kept [MQTT-3.1.4-3]; the table follows it.

import type { AedesBroker, BrokerClient } from '../client.ts'

export function guardTakeover(broker: AedesBroker): void {
  const live = new Map<string, BrokerClient>()
  broker.on('client', (registered) => {
    const client = registered as unknown as BrokerClient
    const before = live.get(client.id)
    live.set(client.id, client)
    if (before !== undefined && before !== client && !before.closed) before.disconnect({ reasonCode: 0x8e })
  })
  broker.on('clientDisconnect', (gone) => {
    const client = gone as unknown as BrokerClient
    const kept = live.get(client.id)
    if (kept === client) live.delete(client.id)
    // Aedes forgets whoever has this id, also when it is the newer one.
    else if (kept !== undefined && !kept.closed && broker.clients[client.id] === undefined) {
      broker.clients[client.id] = kept
    }
  })
}
