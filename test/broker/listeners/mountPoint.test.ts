// Mount points: a prefix that clients of one listener do not see, in both directions and over everything that lasts.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ListenerConfig } from '../../../src/config/listener.ts'
import { AppError } from '../../../src/domain/errors.ts'
import { join, lasting, nextPublish, publish, publishAndWait, settle, subscribe } from '../peer.ts'
import { connectRaw, type RawClient, until } from '../rawClient.ts'
import { createTestStore, type ServerOptions, startServer, type TestServer } from '../server.ts'
import { plainListener } from './plainListener.ts'

let server: TestServer
let path: string
let store = createTestStore()
/** Ports of the listener without a mount point, and of two with one. */
let open: number
let site: number
let other: number

const listener = (mount_point: string): ListenerConfig => ({ ...plainListener, mount_point })

async function start(options: ServerOptions = {}): Promise<void> {
  server = await startServer({
    sessionsPath: path,
    store,
    ...options,
    mqtt: {
      default_listener: false,
      listeners: [listener(''), listener('site/'), listener('other/')],
      max_topic_alias: 5,
      ...options.mqtt,
    },
  })
  ;[open, site, other] = server.broker.listeners.map(({ port }) => port) as [number, number, number]
}

beforeEach(async () => {
  path = mkdtempSync(joinPath(tmpdir(), 'amber-mount-'))
  store = createTestStore()
  await start()
})
afterEach(async () => {
  await server.close()
  rmSync(path, { recursive: true, force: true })
})

async function seen(client: RawClient): Promise<[string, string]> {
  const { topic, payload } = await nextPublish(client)
  return [topic, String(payload)]
}

describe.each([3, 4, 5] as const)('MQTT of level %d', (version) => {
  test('a publish and a subscription are below the mount point, and nobody there sees it', async () => {
    const inside = await connectRaw(site, version, { clientId: 'in' })
    const outside = await connectRaw(open, version, { clientId: 'out' })
    const elsewhere = await connectRaw(other, version, { clientId: 'else' })
    await subscribe(inside, '#')
    await subscribe(outside, '#')
    await subscribe(elsewhere, '#')
    await publishAndWait(inside, { topic: 'a/b', payload: 'from inside' })
    await publishAndWait(outside, { topic: 'a/b', payload: 'not below' })
    await publishAndWait(outside, { topic: 'site/c', payload: 'below' })
    expect(await seen(inside)).toEqual(['a/b', 'from inside'])
    expect(await seen(inside)).toEqual(['c', 'below'])
    expect(await seen(outside)).toEqual(['site/a/b', 'from inside'])
    await settle(elsewhere)
    expect(elsewhere.received.filter(({ cmd }) => cmd === 'publish')).toEqual([])
    expect(store.readings.map(({ topic }) => topic)).toEqual(['site/a/b', 'a/b', 'site/c'])
  })

  test('UNSUBSCRIBE ends what SUBSCRIBE began', async () => {
    const client = await connectRaw(site, version)
    await subscribe(client, 'a/+')
    expect(server.sessions.registry.get('raw')?.subscriptions.has('site/a/+')).toBe(true)
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a/+'] })
    const answer = await client.take('unsuback')
    if (version === 5) expect(answer).toMatchObject({ granted: [0] })
    await publishAndWait(client, { topic: 'a/b' })
    await settle(client)
    expect(client.received.filter(({ cmd }) => cmd === 'publish')).toEqual([])
  })

  test('a retained message is found again below the mount point, and only there', async () => {
    const client = await connectRaw(site, version)
    await publishAndWait(client, { topic: 'state', payload: 'on', retain: true })
    await subscribe(client, 'state')
    expect(await seen(client)).toEqual(['state', 'on'])
    const outside = await connectRaw(open, version, { clientId: 'out' })
    await subscribe(outside, 'site/#')
    expect(await seen(outside)).toEqual(['site/state', 'on'])
    await publishAndWait(client, { topic: 'state', payload: '', retain: true })
    expect(server.sessions.registry.retained.count).toBe(0)
  })

  test('a will is published below the mount point', async () => {
    const outside = await connectRaw(open, version, { clientId: 'out' })
    await subscribe(outside, '#')
    const will = { topic: 'gone', payload: Buffer.from('bye'), qos: 1 as const, retain: false }
    const client = await connectRaw(site, version, { clientId: 'dying', will })
    client.destroy()
    expect(await seen(outside)).toEqual(['site/gone', 'bye'])
    expect(store.readings).toMatchObject([{ topic: 'site/gone', source: 'will' }])
  })

  test('what a session is owed over a reconnect and a restart comes without the mount point', async () => {
    const options = version === 5 ? lasting : { clean: false }
    const first = await connectRaw(site, version, { clientId: 's', ...options })
    await subscribe(first, 'a/#')
    first.destroy()
    await until(() => server.broker.clients().length === 0, 'it to be gone')
    const publisher = await connectRaw(open, version, { clientId: 'p' })
    await publishAndWait(publisher, { topic: 'site/a/1', payload: 'one' })
    const second = await connectRaw(site, version, { clientId: 's', ...options })
    // Left without acknowledgement: it comes again.
    expect(await seen(second)).toEqual(['a/1', 'one'])
    second.destroy()
    await publishAndWait(publisher, { topic: 'site/a/2', payload: 'two', messageId: 8 })
    await server.close()
    await start()
    const third = await connectRaw(site, version, { clientId: 's', ...options })
    expect([await seen(third), await seen(third)]).toEqual([
      ['a/1', 'one'],
      ['a/2', 'two'],
    ])
    await publishAndWait(third, { topic: 'a/3', payload: 'three' })
    expect(await seen(third)).toEqual(['a/3', 'three'])
  })
})

test('a session that moves to another listener is sent nothing from outside the mount point there', async () => {
  const first = await connectRaw(open, 5, { clientId: 's', ...lasting })
  await subscribe(first, '#')
  first.send({
    cmd: 'publish',
    topic: 'secret',
    payload: '0',
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
  })
  await nextPublish(first)
  first.destroy()
  await until(() => server.broker.clients().length === 0, 'it to be gone')
  const publisher = await connectRaw(open, 5, { clientId: 'p' })
  await publishAndWait(publisher, { topic: 'secret', payload: '1' })
  await publishAndWait(publisher, { topic: 'site/', payload: 'no name left' })
  await publishAndWait(publisher, { topic: 'site/a', payload: '2' })
  const { client: second } = await join(site, 5, { clientId: 's', ...lasting })
  expect(await seen(second)).toEqual(['a', '2'])
  await publishAndWait(publisher, { topic: 'secret', payload: '3' })
  await publishAndWait(publisher, { topic: 'site/b', payload: '4' })
  expect(await seen(second)).toEqual(['b', '4'])
})

test('a shared subscription is mounted behind its group [MQTT-4.8.2]', async () => {
  const members = [
    await connectRaw(site, 5, { clientId: 'm1' }),
    await connectRaw(site, 5, { clientId: 'm2' }),
  ]
  for (const member of members) expect(await subscribe(member, '$share/g/a/#')).toEqual([2])
  expect(await subscribe(members[0] as RawClient, '$share/g/')).toEqual([0x8f])
  const publisher = await connectRaw(open, 5, { clientId: 'p' })
  await publishAndWait(publisher, { topic: 'a/1' })
  await publishAndWait(publisher, { topic: 'site/a/1' })
  await publishAndWait(publisher, { topic: 'site/a/2' })
  const topics = await Promise.all(members.map(async (member) => (await nextPublish(member)).topic))
  expect(topics.toSorted()).toEqual(['a/1', 'a/2'])
  members[0]?.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['$share/g/a/#'] })
  expect(await members[0]?.take('unsuback')).toMatchObject({ granted: [0] })
})

test('topic aliases stand for topics without the mount point, in and out [MQTT-3.3.2.3.4]', async () => {
  const { client } = await join(site, 5, { properties: { topicAliasMaximum: 3 } })
  await subscribe(client, '#')
  publish(client, { topic: 'a/b', payload: '1', properties: { topicAlias: 2 } })
  publish(client, { topic: '', payload: '2', properties: { topicAlias: 2 } })
  const [first, second] = [await nextPublish(client), await nextPublish(client)]
  expect([first.topic, first.properties?.topicAlias]).toEqual(['a/b', 1])
  expect([second.topic, second.properties?.topicAlias]).toEqual(['', 1])
  expect(store.readings.map(({ topic }) => topic)).toEqual(['site/a/b', 'site/a/b'])
})

test('many subscribers of several listeners get one message each under its own topic', async () => {
  const inside = await Promise.all([1, 2, 3].map((n) => connectRaw(site, 4, { clientId: `in${n}` })))
  const outside = await connectRaw(open, 4, { clientId: 'out' })
  for (const client of [...inside, outside]) await subscribe(client, '#')
  await publishAndWait(outside, { topic: 'site/a' })
  expect(
    await Promise.all([...inside, outside].map(async (client) => (await nextPublish(client)).topic)),
  ).toEqual(['a', 'a', 'a', 'site/a'])
})

test('rights are asked with the whole topic, as by Mosquitto', async () => {
  server.principals.set('', {
    mayWrite: (topic) => topic === 'site/w',
    mayRead: (topic) => topic === 'site/r',
  })
  const client = await connectRaw(site, 5, {
    will: { topic: 'w', payload: Buffer.from(''), qos: 0, retain: false },
  })
  expect(
    await subscribe(client, [
      { topic: 'r', qos: 0 },
      { topic: 'site/r', qos: 0 },
    ]),
  ).toEqual([0, 0x87])
  publish(client, { topic: 'w', qos: 1, messageId: 1 })
  expect(await client.take('puback')).not.toHaveProperty('reasonCode', 0x87)
  publish(client, { topic: 'site/w', qos: 1, messageId: 2 })
  expect(await client.take('puback')).toMatchObject({ reasonCode: 0x87 })
})

test('$SYS is not seen from a mount point, as in Mosquitto', async () => {
  server.sessions.router.route({
    topic: '$SYS/broker/x',
    payload: Buffer.from('1'),
    qos: 0,
    retain: true,
    properties: null,
    clientId: '',
    expiresAt: null,
  })
  const client = await connectRaw(site, 4)
  await subscribe(client, '$SYS/#')
  await settle(client)
  expect(client.received.filter(({ cmd }) => cmd === 'publish')).toEqual([])
})

test('a topic that is too long or too deep with the mount point is refused', async () => {
  const client = await connectRaw(site, 5)
  publish(client, { topic: 'x'.repeat(65_531) })
  expect(await client.take('disconnect')).toMatchObject({ reasonCode: 0x90 })
})

test('without a / at its end, a filter that would begin with a wildcard is refused', async () => {
  await server.close()
  await start({ mqtt: { default_listener: false, listeners: [listener('site')] } })
  const client = await connectRaw(open, 5)
  expect(
    await subscribe(client, [
      { topic: '#', qos: 0 },
      { topic: 'a/#', qos: 0 },
    ]),
  ).toEqual([0x8f, 0])
})

test.each(['a/#', '+/', '$SYS/', '$share/g/', 'a\0'])('%j is no mount point', async (mountPoint) => {
  await server.close()
  await expect(
    start({ mqtt: { default_listener: false, listeners: [listener(mountPoint)] } }),
  ).rejects.toThrow(AppError)
  await start()
})
