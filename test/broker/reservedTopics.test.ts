// Topics that begin with `$` [MQTT-4.7.2]: `$SYS` is the server's, `$share` marks shared subscriptions and is no place to
// publish to, any other is a topic like all.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { join, nextPublish, publish, publishAndWait, subscribe } from './peer.ts'
import { until } from './rawClient.ts'
import { createTestStore, startServer, type TestServer, type TestStore } from './server.ts'

let server: TestServer
let store: TestStore
let sessionsPath: string
beforeEach(async () => {
  sessionsPath = mkdtempSync(joinPath(tmpdir(), 'amber-reserved-'))
  store = createTestStore()
  server = await startServer({ store, sessionsPath })
})
afterEach(async () => {
  await server.close()
  rmSync(sessionsPath, { recursive: true, force: true })
})

describe.each(['$share', '$share/group', '$share/group/t', '$SYS', '$SYS/broker/uptime'])('%s', (topic) => {
  test('is not published to: MQTT 5 hears 0x87, and nothing is stored', async () => {
    const { client } = await join(server.port, 5)
    publish(client, { topic, qos: 1, messageId: 1 })
    expect(await client.take('puback')).toMatchObject({ messageId: 1, reasonCode: 0x87 })
    publish(client, { topic, qos: 2, messageId: 2 })
    expect(await client.take('pubrec')).toMatchObject({ messageId: 2, reasonCode: 0x87 })
    expect(store.readings).toEqual([])
    client.destroy()
  })

  test('is no place for a will', async () => {
    const will = { topic, payload: Buffer.from('x'), qos: 1, retain: false } as const
    const { client } = await join(server.port, 5, { clientId: 'w', will })
    client.destroy()
    await until(() => server.broker.clients().length === 0, 'the client to be gone')
    expect(store.readings).toEqual([])
    expect(await server.ledger()).toMatchObject({ received: 1, rejected: 1 })
  })

  test('is not published to by the server itself', async () => {
    const message = { topic, payload: Buffer.from('x'), qos: 0, retain: false, source: 'http' } as const
    const sent = server.broker.publish({ ...message, user: null, clientId: '', properties: null })
    await expect(sent).rejects.toMatchObject({ code: 'forbidden' })
  })
})

test.each(['$shared/t', '$home/t'])('%s is a topic like all, retained over a restart', async (topic) => {
  const { client } = await join(server.port, 5)
  await publishAndWait(client, { topic, payload: 'kept', retain: true })
  expect(store.readings).toMatchObject([{ topic }])
  await server.close()
  server = await startServer({ store, sessionsPath })
  const { client: later } = await join(server.port, 5)
  await subscribe(later, topic)
  expect(String((await nextPublish(later)).payload)).toBe('kept')
  later.destroy()
})
