// Which packet goes where: SUBSCRIBE, UNSUBSCRIBE and the acknowledgements are answered by Amber, whose sessions they are
// about, and plain publishes are captured; CONNECT, PINGREQ, DISCONNECT and publishes with properties go on to Aedes.

import type { IDisconnectPacket, Packet } from 'mqtt-packet'
import type { AuthorizePublish } from '../capture/publishes.ts'
import type { BrokerClient, PublishPacket } from '../client.ts'
import type { Pairs } from '../wire/properties.ts'
import { type Fault, protocolError } from '../wire/fault.ts'

export type Answer = (client: BrokerClient, packet: Packet) => Promise<void> | void

export interface DispatchDependencies {
  /** By `cmd` of the packet. */
  answers: ReadonlyMap<string, Answer>
  /** Why a PUBLISH cannot be taken, or `null`. */
  publishFault: (client: BrokerClient, packet: PublishPacket) => Fault | null
  /** Aedes' hook, which does everything there is to do for a publish. */
  authorizePublish: AuthorizePublish
  onFault: (client: BrokerClient, fault: Fault) => void
  /** A failure nobody foresaw: it ends the connection and nothing else. */
  onError: (client: BrokerClient, error: unknown) => void
  /** User properties of the PUBLISH or CONNECT read last, in the order sent. */
  takePairs: () => Pairs | null
}

/** What is done with a publish that the gate has read by itself: what Aedes would do, without the way through it. */
export function createTakePublish(
  client: BrokerClient,
  { publishFault, authorizePublish, onFault, onError }: Omit<DispatchDependencies, 'answers' | 'takePairs'>,
): (packet: PublishPacket) => void {
  return (packet) => {
    if (client.amber.refused) return
    const fault = publishFault(client, packet)
    if (fault !== null) return onFault(client, fault)
    if (client._keepaliveInterval > 0) client._keepaliveTimer?.refresh()
    // Nothing more is read from the socket until this one is settled.
    client._parsingBatch++
    try {
      authorizePublish(client, packet, client._nextBatch)
    } catch (error) {
      onError(client, error)
    }
  }
}

/** Takes the place of Aedes' own listener. */
export function dispatchPackets(client: BrokerClient, dependencies: DispatchDependencies): void {
  const { answers, publishFault, onFault, onError, takePairs } = dependencies
  const parser = client._parser
  const [aedes] = parser.listeners('packet')
  parser.removeAllListeners('packet')
  parser.on('packet', (packet: Packet) => {
    if (client.amber.refused) return
    const answer = answers.get(packet.cmd)
    if (answer === undefined) {
      if (packet.cmd === 'publish' && packet.properties?.userProperties !== undefined) {
        ;(packet as PublishPacket).userProperties = takePairs() ?? []
      } else if (packet.cmd === 'connect') {
        client.amber.connect = packet
        if (packet.will?.properties?.userProperties !== undefined) {
          ;(packet.will as PublishPacket).userProperties = takePairs() ?? []
        }
      }
      const fault =
        packet.cmd === 'publish'
          ? publishFault(client, packet as PublishPacket)
          : packet.cmd === 'disconnect'
            ? farewellFault(client, packet)
            : null
      if (fault !== null) onFault(client, fault)
      else aedes?.call(parser, packet)
      // Its connection may end in a later turn [MQTT-3.14.4-2].
      if (packet.cmd === 'disconnect') client.amber.refused = true
      return
    }
    if (client._keepaliveInterval > 0) client._keepaliveTimer?.refresh()
    run(client, answer, packet, onError)
  })
}

/** A session that was to end with its connection cannot be made to last by DISCONNECT [MQTT-3.14.2.2.2]. */
function farewellFault(
  { _connectSessionExpiryInterval: before }: BrokerClient,
  packet: Packet,
): Fault | null {
  const { properties } = packet as IDisconnectPacket
  if (before !== 0 || !properties?.sessionExpiryInterval) return null
  return protocolError('DISCONNECT lets a session last that was to end with its connection [MQTT-3.14.2.2.2]')
}

function run(
  client: BrokerClient,
  answer: Answer,
  packet: Packet,
  onError: DispatchDependencies['onError'],
): void {
  try {
    const pending = answer(client, packet)
    if (pending === undefined) return
    // Nothing more is read from the socket until this is answered, as Aedes does it.
    client._parsingBatch++
    const goOn = (): void => {
      if (!client.closed) client._nextBatch()
    }
    pending.catch((error: unknown) => onError(client, error)).finally(goOn)
  } catch (error) {
    onError(client, error)
  }
}
