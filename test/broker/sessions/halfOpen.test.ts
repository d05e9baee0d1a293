// What a session leaves half done of QoS 2 goes with it, or the next publish with the same packet id would be taken for a copy,
// acknowledged, and lost.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { join, publish, publishAndWait, settle, subscribe } from '../peer.ts'
import { type RawClient, until, type Version } from '../rawClient.ts'
import { createTestStore, startServer, type TestServer, type TestStore } from '../server.ts'

let server: TestServer
let store: TestStore
let sessionsPath: string
beforeEach(async () => {
  sessionsPath = mkdtempSync(joinPath(tmpdir(), 'amber-half-'))
  store = createTestStore()
  server = await startServer({ store, sessionsPath })
})
afterEach(async () => {
  await server.close()
  rmSync(sessionsPath, { recursive: true, force: true })
})

const options = (expirySeconds: number) => ({
  clientId: 's',
  clean: false,
  properties: { sessionExpiryInterval: expirySeconds },
})

/** A QoS 2 publish with packet id 1, acknowledged by PUBREC and not released. */
async function publishHalf(client: RawClient, payload: string): Promise<void> {
  publish(client, { topic: 't', payload, qos: 2, messageId: 1 })
  expect(await client.take('pubrec')).toMatchObject({ messageId: 1 })
}

const stored = (): string[] => store.readings.map(({ payload }) => payload.toString())

test('a session that expired', async () => {
  const { client } = await join(server.port, 5, options(1))
  await publishHalf(client, 'one')
  client.destroy()
  await until(() => server.sessions.registry.get('s') === null, 'the session to expire')
  const { client: back, connack } = await join(server.port, 5, options(1))
  expect(connack.sessionPresent).toBe(false)
  await publishHalf(back, 'two')
  expect(stored()).toEqual(['one', 'two'])
  back.destroy()
})

test('a copy with DUP is still known when only the session is gone, as by a kill before the first journal', async () => {
  const { client } = await join(server.port, 5, options(60))
  await publishHalf(client, 'one')
  client.destroy()
  await until(() => server.broker.clients().length === 0, 'the client to be gone')
  await server.close()
  rmSync(sessionsPath, { recursive: true, force: true })
  server = await startServer({ store, sessionsPath })
  const { client: back } = await join(server.port, 5, options(60))
  publish(back, { topic: 't', payload: 'one', qos: 2, messageId: 1, dup: true })
  await back.take('pubrec')
  expect(stored()).toEqual(['one'])
  back.send({ cmd: 'pubrel', messageId: 1 })
  await back.take('pubcomp')
  await publishHalf(back, 'two')
  expect(stored()).toEqual(['one', 'two'])
  back.destroy()
})

test('a session that expired while the server was not running', async () => {
  const { client } = await join(server.port, 5, options(1))
  await publishHalf(client, 'one')
  client.destroy()
  await until(() => server.broker.clients().length === 0, 'the client to be gone')
  await server.close()
  await new Promise((resolve) => setTimeout(resolve, 1100))
  server = await startServer({ store, sessionsPath })
  const { client: back, connack } = await join(server.port, 5, options(1))
  expect(connack.sessionPresent).toBe(false)
  await publishHalf(back, 'two')
  expect(stored()).toEqual(['one', 'two'])
  back.destroy()
})

test.each([
  [4, { clientId: 's', clean: true }, { clientId: 's', clean: false }],
  [5, options(0), options(60)],
] as const)(
  'MQTT level %i: a session that was to end with the connection that is taken over',
  async (version: Version, first, second) => {
    const { client: watcher } = await join(server.port, 5, { clientId: 'watcher' })
    await subscribe(watcher, 'wills')
    const { client } = await join(server.port, version, {
      ...first,
      will: { topic: 'wills', payload: Buffer.from('over'), qos: 0, retain: false },
    })
    await subscribe(client, 'x')
    await publishHalf(client, 'one')
    const { client: next, connack } = await join(server.port, version, second)
    expect(connack.sessionPresent).toBe(false)
    expect((await watcher.take('publish')).cmd).toBe('publish')
    await publishHalf(next, 'two')
    await publishAndWait(next, { topic: 'x', payload: 'x' })
    await settle(next)
    expect(next.received.filter(({ cmd }) => cmd === 'publish')).toEqual([])
    expect(stored()).toEqual(expect.arrayContaining(['one', 'two']))
    for (const one of [client, next, watcher]) one.destroy()
  },
)

test('one that goes on keeps it: a copy is acknowledged and not stored again', async () => {
  const { client } = await join(server.port, 5, options(60))
  await publishHalf(client, 'one')
  client.destroy()
  await until(() => server.broker.clients().length === 0, 'the client to be gone')
  const { client: back, connack } = await join(server.port, 5, options(60))
  expect(connack.sessionPresent).toBe(true)
  publish(back, { topic: 't', payload: 'one', qos: 2, messageId: 1, dup: true })
  await back.take('pubrec')
  expect(stored()).toEqual(['one'])
  back.destroy()
})

test.each([
  [3, true],
  [4, false],
] as const)('MQTT level %i: a PUBREL with DUP is answered: %s', async (version, isAnswered) => {
  const { client } = await join(server.port, version, { clientId: 's' })
  await publishHalf(client, 'one')
  client.write(Buffer.from([0x6a, 2, 0, 1]))
  if (isAnswered) expect(await client.take('pubcomp')).toMatchObject({ messageId: 1 })
  else await client.untilClosed()
  client.destroy()
})
