// moscajs/aedes#955, #994: Aedes drops a delivery whose number is not above the last one, so publishes that finish
// out of order are lost. Its table is made to answer "nothing seen yet"; the exact check is in `authorizeForward`.

import type { AedesBroker, BrokerClient } from '../client.ts'

export function guardDuplicates(client: BrokerClient, broker: AedesBroker): void {
  const table = Object.create(null) as BrokerClient['duplicates']
  Object.defineProperty(table, broker.id, { get: () => 0, set: () => {}, enumerable: false })
  client.duplicates = table
}
