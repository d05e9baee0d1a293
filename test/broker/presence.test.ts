// Who came and went, and why: told of real clients that leave in every way there is, within bounds.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { onTestFinished, expect, test } from 'vitest'
import { createPresence, type PresenceEvent } from '../../src/broker/presence.ts'
import { openPresence } from '../../src/broker/presenceFile.ts'
import { connectRaw, type RawClient, until } from './rawClient.ts'
import { startServer } from './server.ts'

const event = (clientId: string, time: number): PresenceEvent => ({
  time,
  clientId,
  event: 'connected',
  reason: null,
  user: null,
  address: '192.0.2.1',
  protocolVersion: 5,
})
const all = { from: 0, to: Number.POSITIVE_INFINITY, limit: 1000 }

test('events are given newest first, in a range, of all clients or of one', () => {
  const presence = createPresence({ clientsMax: 10 })
  for (const [index, id] of ['a', 'b', 'a', 'c'].entries()) presence.add(event(id, index))
  expect(presence.events(all).map(({ clientId, time }) => `${clientId}${time}`)).toEqual([
    'c3',
    'a2',
    'b1',
    'a0',
  ])
  expect(presence.events({ ...all, clientId: 'a' }).map(({ time }) => time)).toEqual([2, 0])
  expect(presence.events({ ...all, from: 1, to: 3 }).map(({ time }) => time)).toEqual([2, 1])
  expect(presence.events({ ...all, limit: 1 }).map(({ time }) => time)).toEqual([3])
  expect([presence.lastSeen('a'), presence.lastSeen('zed')]).toEqual([2, null])
})

test('a client that flaps pushes no other out, and of too many clients the longest unchanged is forgotten', () => {
  const presence = createPresence({ clientsMax: 2 })
  presence.add(event('quiet', 0))
  for (let time = 1; time <= 1000; time++) presence.add(event('flapping', time))
  expect(presence.events({ ...all, clientId: 'quiet' })).toHaveLength(1)
  expect(presence.events({ ...all, clientId: 'flapping' })).toHaveLength(32)
  presence.add(event('third', 1001))
  expect(presence.events({ ...all, clientId: 'quiet' })).toEqual([])
  expect(presence.events({ ...all, clientId: 'flapping' })).toHaveLength(32)
})

test('with none to be remembered there are no events', () => {
  const presence = createPresence({ clientsMax: 0 })
  presence.add(event('a', 0))
  expect(presence.events(all)).toEqual([])
})

async function start(options: Parameters<typeof startServer>[0] = {}) {
  const server = await startServer(options)
  onTestFinished(() => server.close())
  return server
}
type Server = Awaited<ReturnType<typeof start>>
const publish = (payload: string) =>
  ({ cmd: 'publish', topic: 'a/b', payload, qos: 1, messageId: 1, dup: false, retain: false }) as const

test.each<[string, 4 | 5, (client: RawClient, server: Server) => unknown, string | RegExp]>([
  ['leaves', 4, (client) => client.send({ cmd: 'disconnect' }), 'it disconnected'],
  ['is cut off', 4, (client) => client.destroy(), /^the connection (was lost|broke)/],
  [
    'is disconnected',
    5,
    (_client, server) => server.broker.view.disconnect('one'),
    'an administrator disconnected it',
  ],
  [
    'is taken over',
    5,
    (_client, server) => connectRaw(server.port, 5, { clientId: 'one', username: 'ann' }),
    /took over/,
  ],
  [
    'has another password now',
    4,
    (_client, server) => (server.stale.add('ann'), server.broker.dropStale()),
    /login does not hold/,
  ],
  ['is silent for too long', 4, () => undefined, 'its keep alive ran out'],
  ['sends what is no MQTT', 5, (client) => client.write(Buffer.from([0xf7, 0x00])), /./],
])('of a client that %s it is told why', async (_what, version, part, reason) => {
  const server = await start({ principals: { ann: {} } })
  const client = await connectRaw(server.port, version, { clientId: 'one', username: 'ann', keepalive: 1 })
  await part(client, server)
  const gone = () => server.broker.view.presence(all).find((one) => one.event === 'disconnected')
  await until(() => gone() !== undefined, 'the end to be told')
  expect(gone()).toMatchObject({
    clientId: 'one',
    user: 'ann',
    address: '127.0.0.1',
    protocolVersion: version,
  })
  expect(gone()?.reason).toMatch(reason)
  expect(server.broker.view.presence(all).at(-1)).toMatchObject({ event: 'connected', reason: null })
})

test('what comes from a client and goes to it is counted', async () => {
  const server = await start()
  const [one, two] = [
    await connectRaw(server.port, 5, { clientId: 'one' }),
    await connectRaw(server.port, 4, { clientId: 'two' }),
  ]
  two.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/#', qos: 0 }] })
  await two.take('suback')
  one.send(publish('12345'))
  await two.take('publish')
  const flows = Object.fromEntries(server.broker.view.clients().map(({ id, flow }) => [id, flow]))
  expect(flows).toEqual({
    one: { messagesIn: 1, bytesIn: 5, messagesOut: 0, bytesOut: 0 },
    two: { messagesIn: 0, bytesIn: 0, messagesOut: 1, bytesOut: 5 },
  })
})

function makeFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'amber-presence-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'presence')
}
const openFile = (presenceFile: string) =>
  openPresence({ presence_clients: 10 }, { presenceFile, log: pino({ level: 'silent' }) })

test('who came and went is known after a restart, and who was there when the server went has gone then', async () => {
  const file = makeFile()
  const first = await openFile(file)
  first.add(event('a', 1000))
  first.add({ ...event('a', 2000), event: 'disconnected', reason: 'it disconnected' })
  first.add(event('still there', 3000))
  await first.close()
  appendFileSync(file, '{"time":3500,"clientId":"torn')
  utimesSync(file, 4, 4)
  const second = await openFile(file)
  onTestFinished(() => second.close())
  expect(second.events({ ...all, clientId: 'a' }).map(({ time, reason }) => [time, reason])).toEqual([
    [2000, 'it disconnected'],
    [1000, null],
  ])
  expect(second.events({ ...all, clientId: 'still there' })).toMatchObject([
    { time: 4000, event: 'disconnected', reason: 'the server went down' },
    { time: 3000, event: 'connected' },
  ])
  expect(second.lastSeen('torn')).toBeNull()
  expect(readFileSync(file, 'utf8').split('\n').filter(Boolean)).toHaveLength(4)
})

test.each(['', 'no JSON\n{"time":"x"}\n[]\n', '\0\0\0'])('a file of "%s" is begun anew', async (text) => {
  const file = makeFile()
  writeFileSync(file, text)
  const presence = await openFile(file)
  presence.add(event('a', 1))
  await presence.close()
  expect(readFileSync(file, 'utf8')).toBe(`${JSON.stringify(event('a', 1))}\n`)
})
