import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Authenticator } from '../../../src/auth/principal.ts'
import { createRetainCheck } from '../../../src/broker/retainSource.ts'
import { type Message, messageOf } from '../../../src/broker/message.ts'
import type { ListenerConfig } from '../../../src/config/listener.ts'
import type { Reading } from '../../../src/domain/reading.ts'
import { nextPublish, payloads, publishAndWait, settle, subscribe } from '../peer.ts'
import { connectRaw } from '../rawClient.ts'
import { createTestStore, type ServerOptions, startServer } from '../server.ts'

/** Device `d` may publish while `right.write`. */
function options(right: { write: boolean }): ServerOptions {
  return { principals: { '': {}, d: { mayWrite: () => right.write } } }
}

const device = { clientId: 'device', username: 'd', password: Buffer.from('x') }

test('a retained message is not sent while its publisher may not write its topic, and is kept', async () => {
  const right = { write: true }
  const server = await startServer(options(right))
  const publisher = await connectRaw(server.port, 4, device)
  await publishAndWait(publisher, { topic: 'a', payload: 'kept', retain: true })
  const reader = await connectRaw(server.port, 4, { clientId: 'reader' })
  right.write = false
  await subscribe(reader, 'a')
  await settle(reader)
  expect(payloads(reader)).toEqual([])
  right.write = true
  await subscribe(reader, 'a')
  expect(String((await nextPublish(reader)).payload)).toBe('kept')
  await server.close()
})

test('with check_retain_source off it is sent', async () => {
  const right = { write: true }
  const server = await startServer({ ...options(right), mqtt: { check_retain_source: false } })
  const publisher = await connectRaw(server.port, 4, device)
  await publishAndWait(publisher, { topic: 'a', payload: 'kept', retain: true })
  right.write = false
  const reader = await connectRaw(server.port, 4, { clientId: 'reader' })
  await subscribe(reader, 'a')
  expect(String((await nextPublish(reader)).payload)).toBe('kept')
  await server.close()
})

test('who published is known after a restart, also of a will', async () => {
  const right = { write: true }
  const store = createTestStore()
  const sessionsPath = mkdtempSync(join(tmpdir(), 'amber-retain-source-'))
  const first = await startServer({ ...options(right), store, sessionsPath })
  const watcher = await connectRaw(first.port, 4, { clientId: 'watcher' })
  await subscribe(watcher, 'w')
  const will = { topic: 'w', payload: Buffer.from('gone'), qos: 1 as const, retain: true }
  const publisher = await connectRaw(first.port, 4, { ...device, will })
  await publishAndWait(publisher, { topic: 'a', retain: true })
  publisher.destroy()
  await nextPublish(watcher)
  await first.close()

  right.write = false
  const second = await startServer({ ...options(right), store, sessionsPath })
  const reader = await connectRaw(second.port, 4, { clientId: 'reader' })
  await subscribe(reader, '#')
  await settle(reader)
  expect(payloads(reader)).toEqual([])
  right.write = true
  await subscribe(reader, '#')
  await settle(reader)
  expect(payloads(reader).sort()).toEqual(['gone', 'x'])
  await second.close()
  rmSync(sessionsPath, { recursive: true })
})

const listeners = [{ path: '', port: 1883 } as ListenerConfig, { path: '/run/a', port: 0 } as ListenerConfig]
const authOf = ({ path }: ListenerConfig) =>
  ({
    mayPublish: (user: string | null) => (path === '' ? user === 'inside' : user === 'socket'),
  }) as unknown as Authenticator
const mayStay = createRetainCheck({ check_retain_source: true }, listeners, authOf)
const by = (user: string | null, listener: string | null): Message =>
  ({ topic: 'a', clientId: 'c', publisher: { user, listener } }) as Message

test('the ACL of the listener it came over decides', () => {
  expect(mayStay(by('inside', '1883'))).toBe(true)
  expect(mayStay(by('inside', '/run/a'))).toBe(false)
  expect(mayStay(by('socket', '/run/a'))).toBe(true)
  expect(mayStay(by(null, '1883'))).toBe(false)
})

test('where the listener is not known or is gone, one that allows it is enough', () => {
  expect(mayStay(by('socket', null))).toBe(true)
  expect(mayStay(by('socket', '9999'))).toBe(true)
  expect(mayStay(by('nobody', null))).toBe(false)
})

test('what the server or its HTTP users published is not asked about', () => {
  expect(mayStay({ topic: 'a', clientId: '' } as Message)).toBe(true)
  const reading = { topic: 'a', payload: new Uint8Array(1), properties: null, user: 'gone' } as Reading
  expect(mayStay(messageOf({ ...reading, source: 'http' }))).toBe(true)
  expect(mayStay(messageOf({ ...reading, source: 'mqtt' }))).toBe(false)
})
