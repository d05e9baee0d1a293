// Faults of a bare Aedes that do not end it: what leaks, what is lost, who waits. Each test names the fault it stands against.

import type { IPublishPacket, ISubackPacket } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectRaw, type RawClient, until } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'
import { type Bare, startBare } from './bare.ts'

let bare: Bare
let server: TestServer
beforeEach(async () => {
  bare = await startBare()
  server = await startServer({ mqtt: { max_inflight: 10, max_queued_bytes: 1_000_000 } })
})
afterEach(async () => {
  await bare.stop()
  await server.close()
})

const publish = (topic: string, qos: 0 | 1 | 2, messageId: number, payload: string | Buffer = 'x') =>
  ({ cmd: 'publish', topic, payload, qos, messageId, dup: false, retain: false }) as const

async function subscribe(client: RawClient, topic: string, qos: 0 | 1 | 2 = 1): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 99, subscriptions: [{ topic, qos }] })
  await client.take<ISubackPacket>('suback')
}

const publishes = (client: RawClient): IPublishPacket[] =>
  client.received.filter((p) => p.cmd === 'publish') as IPublishPacket[]

describe('$SYS/<broker id>/…, which names every client and filter', () => {
  const provoke = async (port: number): Promise<string[]> => {
    const spy = await connectRaw(port, 4, { clientId: 'spy' })
    await subscribe(spy, '$SYS/#')
    await subscribe(spy, 'mine')
    const victim = await connectRaw(port, 4, { clientId: 'victim' })
    await subscribe(victim, 'secret/filter')
    victim.send(publish('mine', 1, 1))
    await until(() => publishes(spy).some((p) => p.topic === 'mine'), 'the own message')
    victim.destroy()
    spy.destroy()
    return publishes(spy)
      .map((p) => p.topic)
      .filter((topic) => topic.startsWith('$SYS'))
  }

  test('is told to anybody by a bare Aedes', async () => {
    expect(await provoke(bare.port)).not.toEqual([])
  })

  test('is told to nobody by ours', async () => {
    expect(await provoke(server.port)).toEqual([])
  })
})

describe('a clean start that uses a half-open message id again', () => {
  const provoke = async (port: number): Promise<string[]> => {
    const subscriber = await connectRaw(port, 4, { clientId: 'subscriber' })
    await subscribe(subscriber, 't/#')
    const first = await connectRaw(port, 4, { clientId: 'meter' })
    first.send(publish('t/a', 2, 1, 'one'))
    await first.take('pubrec')
    first.destroy()
    const second = await connectRaw(port, 4, { clientId: 'meter' })
    second.send(publish('t/a', 2, 1, 'two'))
    await second.take('pubrec')
    second.send(publish('t/end', 1, 2, 'end'))
    await until(() => publishes(subscriber).some((p) => p.topic === 't/end'), 'the last message')
    second.destroy()
    subscriber.destroy()
    return publishes(subscriber).map((p) => String(p.payload))
  }

  test('is acknowledged and never published by a bare Aedes', async () => {
    expect(await provoke(bare.port)).not.toContain('two')
  })

  test('is published by ours', async () => {
    expect(await provoke(server.port)).toEqual(['one', 'two', 'end'])
  })
})

describe('QoS 2 publishes that are never released', () => {
  const open = async (port: number, version: 4 | 5): Promise<RawClient> => {
    const client = await connectRaw(port, version)
    for (let id = 1; id <= 11; id++) client.send(publish('t', 2, id))
    return client
  }

  test('are taken without end by a bare Aedes', async () => {
    const client = await open(bare.port, 4)
    await until(() => client.received.filter((p) => p.cmd === 'pubrec').length === 11, 'eleven PUBRECs')
    client.destroy()
  })

  test('close an MQTT 3 connection above max_inflight', async () => {
    const client = await open(server.port, 4)
    await client.untilClosed()
    expect(client.received.filter((p) => p.cmd === 'pubrec').length).toBeLessThanOrEqual(10)
  })

  test('end an MQTT 5 connection with Receive Maximum exceeded above max_inflight', async () => {
    const client = await open(server.port, 5)
    expect(await client.take('disconnect')).toMatchObject({ reasonCode: 0x93 })
    await client.untilClosed()
  })
})

describe('a subscriber that stops reading', () => {
  const flood = async (
    port: number,
  ): Promise<{ publisher: RawClient; stalled: RawClient; acknowledged: () => number }> => {
    const stalled = await connectRaw(port, 4, { clientId: 'stalled' })
    await subscribe(stalled, 'big', 0)
    stalled.socket.pause()
    const publisher = await connectRaw(port, 4, { clientId: 'publisher' })
    const payload = Buffer.alloc(5000, 1)
    for (let id = 1; id <= 4000; id++) publisher.send(publish('big', 1, id, payload))
    return {
      publisher,
      stalled,
      acknowledged: () => publisher.received.filter((p) => p.cmd === 'puback').length,
    }
  }

  test('holds up whoever publishes to it with a bare Aedes', async () => {
    const { publisher, stalled, acknowledged } = await flood(bare.port)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(acknowledged()).toBeLessThan(4000)
    publisher.destroy()
    stalled.destroy()
  })

  test('holds up nobody with ours; what it misses is counted', async () => {
    const { publisher, stalled, acknowledged } = await flood(server.port)
    await until(() => acknowledged() === 4000, 'every PUBACK')
    expect(server.store.readings).toHaveLength(4000)
    const dropped = (await server.metrics.dropped.get()).values.find(
      (v) => v.labels.reason === 'slow_subscriber',
    )
    expect(dropped?.value).toBeGreaterThan(500)
    publisher.destroy()
    stalled.destroy()
  })

  test('is closed when QoS 1 deliveries pass the limit', async () => {
    const { publisher, stalled, acknowledged } = await flood(server.port)
    await until(() => acknowledged() === 4000, 'every PUBACK')
    stalled.destroy()
    const strict = await connectRaw(server.port, 4, { clientId: 'strict' })
    await subscribe(strict, 'big', 1)
    strict.socket.pause()
    for (let id = 1; id <= 100; id++) publisher.send(publish('big', 1, id, Buffer.alloc(200_000, 1)))
    await until(() => acknowledged() === 4100, 'every PUBACK')
    await until(
      () => !server.broker.clients().some(({ id }) => id === 'strict'),
      'the slow client to be closed',
    )
    publisher.destroy()
    strict.destroy()
  })
})

describe('a will with a delay', () => {
  test('is delivered without the delay, which is no property of a PUBLISH', async () => {
    const watcher = await connectRaw(server.port, 5, { clientId: 'watcher' })
    await subscribe(watcher, 'status')
    const client = await connectRaw(server.port, 5, {
      clientId: 'frail',
      properties: { sessionExpiryInterval: 1 },
      will: {
        topic: 'status',
        payload: Buffer.from('gone'),
        qos: 0,
        retain: false,
        properties: { willDelayInterval: 1, contentType: 'text' },
      },
    })
    client.destroy()
    const will = await watcher.take<IPublishPacket>('publish')
    expect({ ...will.properties }).toEqual({ contentType: 'text' })
    watcher.destroy()
  })
})

test('overlapping subscriptions of one client are served once', async () => {
  const client = await connectRaw(server.port, 4)
  await subscribe(client, 't/#')
  await subscribe(client, 't/a')
  for (let id = 1; id <= 5; id++) client.send(publish('t/a', 1, id, String(id)))
  client.send(publish('t/end', 1, 6, 'end'))
  await until(() => publishes(client).some((p) => p.topic === 't/end'), 'the last message')
  expect(publishes(client).map((p) => String(p.payload))).toEqual(['1', '2', '3', '4', '5', 'end'])
  client.destroy()
})

describe('QoS of deliveries', () => {
  const served = async (port: number, filters: [string, 0 | 1 | 2][], qos: 1 | 2): Promise<number[]> => {
    const client = await connectRaw(port, 4)
    for (const [filter, granted] of filters) await subscribe(client, filter, granted)
    client.send(publish('t/a', qos, 1))
    await client.take(qos === 1 ? 'puback' : 'pubrec')
    client.send(publish('end', 0, 0))
    await until(() => publishes(client).length > 0, 'the delivery')
    client.destroy()
    return publishes(client).map((p) => p.qos)
  }

  test('is the publisher’s instead of the wildcard subscription’s with a bare Aedes', async () => {
    expect(await served(bare.port, [['t/#', 1]], 2)).toEqual([2])
  })

  test('is lowered to that of a wildcard subscription by ours [MQTT-3.8.4-8]', async () => {
    expect(await served(server.port, [['t/#', 1]], 2)).toEqual([1])
  })

  test('is the highest of overlapping wildcard subscriptions [MQTT-3.3.4-2]', async () => {
    expect(
      await served(
        server.port,
        [
          ['t/#', 0],
          ['+/a', 1],
          ['t/+', 2],
        ],
        2,
      ),
    ).toEqual([2])
  })

  test('of a retained message is lowered to the subscription’s', async () => {
    const client = await connectRaw(server.port, 4)
    client.send({ ...publish('t/a', 1, 1), retain: true })
    await client.take('puback')
    await subscribe(client, 't/#', 0)
    expect((await client.take<IPublishPacket>('publish')).qos).toBe(0)
    client.destroy()
  })
})
