// CONNACK [MQTT-3.2]: what the server grants, or why it does not. Written here and not by Aedes, which knows no session
// without subscriptions, no shared subscriptions and few reasons.

import { generate, type IConnackPacket, type Packet } from 'mqtt-packet'
import type { Config } from '../../config/schema.ts'
import type { BrokerClient } from '../client.ts'

type Properties = NonNullable<IConnackPacket['properties']>

/**
 * MQTT 3 return codes by MQTT 5 reason code [MQTT-3.1.1 table 3.1]. A wrong password is 5, as from Mosquitto: 4 says that the data
 * are malformed.
 */
const returnCodes: Record<number, number> = { 0x84: 1, 0x85: 2, 0x86: 5, 0x87: 5, 0x95: 5 }
const serverUnavailable = 3

export function sendConnack(client: BrokerClient, sessionPresent: boolean, limits: Config['mqtt']): void {
  const { version, amber } = client
  // MQTT 3.1 has no such flag.
  const packet: Partial<IConnackPacket> = { cmd: 'connack', sessionPresent: sessionPresent && version > 3 }
  if (version === 5) {
    packet.reasonCode = 0
    packet.properties = grants(client, limits)
  } else packet.returnCode = 0
  amber.outlet.add(generate(packet as Packet, { protocolVersion: version }))
}

/** Says no; closing is the caller's. */
export function sendRefusal(client: BrokerClient, reasonCode: number, reason: string): void {
  const { version, amber } = client
  const packet: Partial<IConnackPacket> = { cmd: 'connack', sessionPresent: false }
  if (version === 5) {
    packet.reasonCode = reasonCode
    if (client._requestProblemInformation) packet.properties = { reasonString: reason }
  } else packet.returnCode = returnCodes[reasonCode] ?? serverUnavailable
  amber.outlet.add(generate(packet as Packet, { protocolVersion: version }))
}

function grants(client: BrokerClient, limits: Config['mqtt']): Properties {
  const properties: Properties = {
    receiveMaximum: Math.min(limits.max_inflight, 65_535),
    maximumPacketSize: limits.max_packet_size,
  }
  if (limits.max_qos < 2) properties.maximumQoS = limits.max_qos
  if (!limits.retain_available) properties.retainAvailable = false
  if (limits.max_topic_alias > 0) properties.topicAliasMaximum = limits.max_topic_alias
  if (client._assignedClientId !== undefined) properties.assignedClientIdentifier = client._assignedClientId
  if (client._serverKeepAlive !== undefined) properties.serverKeepAlive = client._serverKeepAlive
  if (client._sessionExpiryClamped) properties.sessionExpiryInterval = client.sessionExpiryInterval
  if (client._requestResponseInformation && limits.response_information !== '') {
    properties.responseInformation = `${limits.response_information}/${client.id}`
  }
  return properties
}
