// Short forms for raw packets, so that a test of the protocol reads as a conversation.

import type {
  IConnackPacket,
  IConnectPacket,
  IPublishPacket,
  ISubackPacket,
  ISubscribePacket,
} from 'mqtt-packet'
import { connectPacket, openRaw, type RawClient, type Version } from './rawClient.ts'

type Subscriptions = ISubscribePacket['subscriptions']
type PublishOptions = Partial<IPublishPacket> & { topic: string }

export const lasting = { clean: false, properties: { sessionExpiryInterval: 3600 } } as const

/** Connects and gives the CONNACK, too. */
export async function join(
  port: number,
  version: Version,
  extra: Partial<IConnectPacket> = {},
): Promise<{ client: RawClient; connack: IConnackPacket }> {
  const client = await openRaw(port, version)
  client.send(connectPacket(version, extra))
  return { client, connack: await client.take<IConnackPacket>('connack') }
}

/** Subscribes and gives the codes of the SUBACK. */
export async function subscribe(
  client: RawClient,
  subscriptions: Subscriptions | string,
  properties?: ISubscribePacket['properties'],
): Promise<number[]> {
  client.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: typeof subscriptions === 'string' ? [{ topic: subscriptions, qos: 2 }] : subscriptions,
    ...(properties && { properties }),
  })
  return (await client.take<ISubackPacket>('suback')).granted as number[]
}

export function publish(client: RawClient, options: PublishOptions): void {
  client.send({ cmd: 'publish', payload: 'x', qos: 0, dup: false, retain: false, ...options })
}

/** Publishes with QoS 1 and waits for the acknowledgement: from then on it has been routed. */
export async function publishAndWait(client: RawClient, options: PublishOptions): Promise<void> {
  publish(client, { qos: 1, messageId: 7, ...options })
  await client.take('puback')
}

export const nextPublish = (client: RawClient): Promise<IPublishPacket> =>
  client.take<IPublishPacket>('publish')

export const payloads = (client: RawClient): string[] =>
  client.received.flatMap((packet) => (packet.cmd === 'publish' ? [String(packet.payload)] : []))

/** Everything that was sent before is there when the answer to this is. */
export async function settle(client: RawClient): Promise<void> {
  client.send({ cmd: 'pingreq' })
  await client.take('pingresp')
}
