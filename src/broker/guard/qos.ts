// aedes@2.0.0-beta.1 looks up the granted QoS by topic, so a wildcard subscription gets the publisher's QoS instead of
// its own, and of overlapping subscriptions whichever comes first. Here it is the highest one granted [MQTT-3.3.4-2, 3.8.4-8].

import { matches } from '../../domain/topic.ts'
import type { BrokerClient } from '../client.ts'

export function guardQos(client: BrokerClient): void {
  const { deliver0, deliverQoS } = client
  client.deliver0 = (packet, done) => {
    // The subscription with the higher QoS delivers this one.
    if (packet.qos > 0 && grantedQos(client, packet.topic) > 0) {
      setImmediate(done)
      return
    }
    packet.qos = 0
    deliver0(packet, done)
  }
  client.deliverQoS = (packet, done) => {
    // A live QoS 1 publish is here because its subscription has at least QoS 1; a retained one comes to every subscription.
    if (packet.qos > 1 || !packet.brokerId) packet.qos = lowered(client, packet.topic, packet.qos)
    if (packet.qos === 0) deliver0(packet, done)
    else deliverQoS(packet, done)
  }
}

/** The highest QoS any matching subscription of the client was granted; 0 when none matches. */
function grantedQos(client: BrokerClient, topic: string): 0 | 1 | 2 {
  let granted: 0 | 1 | 2 = 0
  for (const filter in client.subscriptions) {
    const { qos } = client.subscriptions[filter] as { qos: 0 | 1 | 2 }
    if (qos > granted && matches(filter, topic)) granted = qos
  }
  return granted
}

/** What of `qos` is left for this client. */
export function lowered(client: BrokerClient, topic: string, qos: 0 | 1 | 2): 0 | 1 | 2 {
  const granted = grantedQos(client, topic)
  return granted < qos ? granted : qos
}
