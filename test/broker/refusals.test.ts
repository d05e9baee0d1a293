// Publishes the server will not have: what their sender is told, and that nothing of them is stored.

import { afterEach, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/schema.ts'
import { AppError } from '../../src/domain/errors.ts'
import { publish } from './peer.ts'
import { connectRaw } from './rawClient.ts'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
afterEach(() => server.close())

const start = async (mqtt: Partial<Config['mqtt']> = {}): Promise<void> => {
  server = await startServer({
    mqtt: { max_payload_size: 10, ...mqtt },
    principals: { '': { mayWrite: (topic) => topic !== 'secret' } },
  })
}

const forbidden = { topic: 'secret', payload: 'x' }
const tooLarge = { topic: 'open', payload: 'x'.repeat(11) }
const both = [
  ['what the ACL forbids', forbidden, 'forbidden', 0x87],
  ['a payload that is too large', tooLarge, 'payload_too_large', 0x97],
] as const

const rejectedFor = async (): Promise<unknown> =>
  (await server.metrics.rejected.get()).values[0]?.labels['reason']

describe.each(both)('%s', (_what, message, reason, reasonCode) => {
  test('of QoS 0 is dropped and counted', async () => {
    await start()
    const client = await connectRaw(server.port, 4)
    publish(client, message)
    publish(client, { topic: 'open', qos: 1, messageId: 2 })
    await client.take('puback')
    expect(server.store.readings).toMatchObject([{ topic: 'open', qos: 1 }])
    expect(await server.ledger()).toEqual({ received: 2, stored: 1, rejected: 1, deduplicated: 0 })
    expect(await rejectedFor()).toBe(reason)
    client.destroy()
  })

  test.each([1, 2] as const)('of QoS %i has a reason code in MQTT 5', async (qos) => {
    await start({ acknowledge_refused: true })
    const client = await connectRaw(server.port, 5)
    publish(client, { ...message, qos, messageId: 1 })
    expect(await client.take(qos === 1 ? 'puback' : 'pubrec')).toMatchObject({ messageId: 1, reasonCode })
    publish(client, { topic: 'open', qos: 1, messageId: 2 })
    expect(await client.take('puback')).toMatchObject({ messageId: 2, reasonCode: 0 })
    client.destroy()
  })

  test.each([1, 2] as const)('of QoS %i closes MQTT 3', async (qos) => {
    await start()
    const client = await connectRaw(server.port, 4)
    publish(client, { ...message, qos, messageId: 1 })
    await client.untilClosed()
    expect(client.received.map(({ cmd }) => cmd)).toEqual(['connack'])
    expect(await server.ledger()).toEqual({ received: 1, stored: 0, rejected: 1, deduplicated: 0 })
  })

  test('is acknowledged to MQTT 3 with acknowledge_refused, dropped and counted', async () => {
    await start({ acknowledge_refused: true })
    const client = await connectRaw(server.port, 4)
    publish(client, { ...message, qos: 1, messageId: 1 })
    expect(await client.take('puback')).toMatchObject({ messageId: 1 })
    for (const dup of [false, true]) {
      publish(client, { ...message, qos: 2, messageId: 2, dup })
      expect(await client.take('pubrec')).toMatchObject({ messageId: 2 })
    }
    client.send({ cmd: 'pubrel', messageId: 2 })
    expect(await client.take('pubcomp')).toMatchObject({ messageId: 2 })
    publish(client, { topic: 'open', qos: 2, messageId: 2 })
    await client.take('pubrec')
    expect(server.store.readings).toMatchObject([{ topic: 'open' }])
    expect(await server.ledger()).toEqual({ received: 4, stored: 1, rejected: 3, deduplicated: 0 })
    client.destroy()
  })
})

test('what cannot be stored is never acknowledged, whatever acknowledge_refused says', async () => {
  await start({ acknowledge_refused: true })
  const client = await connectRaw(server.port, 4)
  server.store.failure = new AppError('store_full', 'the disk is full')
  publish(client, { topic: 'open', qos: 1, messageId: 1 })
  await client.untilClosed()
  expect(client.received.map(({ cmd }) => cmd)).toEqual(['connack'])
})
