// SUBSCRIBE and UNSUBSCRIBE with thousands of filters.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inTurns } from '../../src/broker/protocol/inTurns.ts'
import { Turns } from '../../src/broker/protocol/turns.ts'
import { join, nextPublish, publish, publishAndWait } from './peer.ts'
import { connectRaw, type RawClient, until } from './rawClient.ts'
import { startServer, type TestServer } from './server.ts'

function spend(ms: number): void {
  const began = performance.now()
  while (performance.now() - began < ms);
}

describe('many things of one packet', () => {
  test('are done in order with turns of others in between; few at once', async () => {
    const done: number[] = []
    let others = 0
    const later = inTurns(
      [1, 2, 3, 4, 5],
      (n) => {
        spend(5)
        done.push(n)
      },
      () => false,
    )
    expect(done).toEqual([1])
    const other = setInterval(() => others++, 0)
    await later
    clearInterval(other)
    expect(done).toEqual([1, 2, 3, 4, 5])
    expect(others).toBeGreaterThanOrEqual(2)
    expect(
      inTurns(
        [1, 2],
        (n) => done.push(n),
        () => false,
      ),
    ).toBeUndefined()
    expect(done).toEqual([1, 2, 3, 4, 5, 1, 2])
  })

  test('end when nobody waits for them, or with the fault of one', async () => {
    const done: number[] = []
    const work = (n: number): void => {
      spend(5)
      done.push(n)
    }
    await inTurns([1, 2, 3], work, () => done.length === 2)
    expect(done).toEqual([1, 2])
    const failing = inTurns(
      [1, 2, 3],
      (n) => (n === 2 ? fail() : spend(5)),
      () => false,
    )
    await expect(failing).rejects.toThrow('the second')
  })

  test('hold back what was sent behind them', async () => {
    const turns = new Turns()
    const order: string[] = []
    let end = (): void => undefined
    const held = turns.hold(new Promise<void>((resolve) => (end = resolve)))
    const after = ['a', 'b'].map((name) => turns.after(async () => void order.push(name)))
    expect(order).toEqual([])
    end()
    await Promise.all([held, ...after])
    expect(order).toEqual(['a', 'b'])
  })
})

function fail(): never {
  throw new Error('the second')
}

let server: TestServer
let client: RawClient
beforeEach(async () => {
  server = await startServer()
  client = (await join(server.port, 5, { clientId: 'one' })).client
})
afterEach(async () => {
  client.destroy()
  await server.close()
})

const filters = (count: number): string[] => Array.from({ length: count }, (_, n) => `site/${n % 50}/${n}`)

describe('one packet with 10,000 filters', () => {
  test('is granted, and the UNSUBSCRIBE and SUBSCRIBE sent right behind it take effect in their order', async () => {
    const topics = filters(10_000)
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) })
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [...topics].reverse() })
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'site/0/0', qos: 1 }] })
    const suback = await client.take('suback')
    expect(suback).toMatchObject({ messageId: 1, granted: topics.map(() => 0) })
    expect(await client.take('unsuback')).toMatchObject({ messageId: 2, granted: topics.map(() => 0) })
    expect(await client.take('suback')).toMatchObject({ messageId: 3, granted: [1] })
    publish(client, { topic: 'site/1/1' })
    publish(client, { topic: 'site/0/0' })
    expect((await nextPublish(client)).topic).toBe('site/0/0')
  })

  test('is heard to its end when the connection is gone before it', async () => {
    const kept = await connectRaw(server.port, 4, { clientId: 'kept', clean: false })
    const topics = filters(10_000)
    kept.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) })
    await kept.take('suback')
    kept.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: topics.slice(1) })
    kept.send({ cmd: 'disconnect' })
    await kept.untilClosed()
    const again = await connectRaw(server.port, 4, { clientId: 'kept', clean: false })
    await until(() => server.sessions.registry.subscriptions.count === 1, 'the rest of the filters to go')
    await publishAndWait(client, { topic: topics[9999] ?? '' })
    await publishAndWait(client, { topic: topics[0] ?? '' })
    expect((await nextPublish(again)).topic).toBe(topics[0])
    again.destroy()
  })
})

describe('one packet with more filters than that', () => {
  const topics = filters(10_001)

  test.each([
    [
      'subscribe',
      { cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) },
    ],
    ['unsubscribe', { cmd: 'unsubscribe', messageId: 1, unsubscriptions: topics }],
  ] as const)('%s: MQTT 5 hears 0x97, MQTT 3 is closed', async (kind, packet) => {
    client.send(packet as unknown as Parameters<RawClient['send']>[0])
    expect(await client.take('disconnect')).toMatchObject({
      reasonCode: 0x97,
      properties: {
        reasonString: `${kind.toUpperCase()} names more than 10000 topic filters; send several packets`,
      },
    })
    const old = await connectRaw(server.port, 4, { clientId: 'old' })
    old.send(packet as unknown as Parameters<RawClient['send']>[0])
    await old.untilClosed()
    expect(old.received.map(({ cmd }) => cmd)).toEqual(['connack'])
  })
})
