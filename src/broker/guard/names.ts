// GHSA-52qw-whmv-87c5: a client id or filter such as `constructor` or `__proto__` crashes aedes@2.0.0-beta.1,
// because it keeps both as keys of plain objects. Objects without a prototype have no such names.

import type { AedesBroker, BrokerClient } from '../client.ts'

export function guardBrokerNames(broker: AedesBroker): void {
  broker.clients = Object.create(null) as AedesBroker['clients']
  broker.brokers = Object.create(null) as AedesBroker['brokers']
}

export function guardClientNames(client: BrokerClient): void {
  client.subscriptions = Object.create(null) as BrokerClient['subscriptions']
}
