// Sessions [MQTT-3.1.2.11, 4.1]: when one is there, how long it stays, and what a restart leaves of it.

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { join, lasting, nextPublish, payloads, publish, publishAndWait, settle, subscribe } from '../peer.ts'
import { type RawClient, until } from '../rawClient.ts'
import { createTestStore, startServer, type TestServer, type TestStore } from '../server.ts'

let server: TestServer
let store: TestStore
let sessionsPath: string
beforeEach(async () => {
  sessionsPath = mkdtempSync(joinPath(tmpdir(), 'amber-sessions-'))
  store = createTestStore()
  server = await startServer({ store, sessionsPath })
})
afterEach(async () => {
  await server.close()
  rmSync(sessionsPath, { recursive: true, force: true })
})

async function restart(): Promise<void> {
  await server.close()
  server = await startServer({ store, sessionsPath })
}

const gone = (clientId: string): Promise<void> =>
  until(() => !server.broker.clients().some(({ id }) => id === clientId), `${clientId} to be gone`)

async function leave(client: RawClient, clientId: string): Promise<void> {
  client.send({ cmd: 'disconnect' })
  await gone(clientId)
}

describe('session present [MQTT-3.2.2-2, 3.2.2-3]', () => {
  test.each([3, 4, 5] as const)(
    'MQTT level %i: also when the session has no subscription',
    async (version) => {
      const options = version === 5 ? { clientId: 's', ...lasting } : { clientId: 's', clean: false }
      const first = await join(server.port, version, options)
      expect(first.connack.sessionPresent).toBe(false)
      await leave(first.client, 's')
      const second = await join(server.port, version, options)
      // MQTT 3.1 has no such flag.
      expect(second.connack.sessionPresent).toBe(version !== 3)
      second.client.destroy()
    },
  )

  test('not after a clean start, which ends the session [MQTT-3.1.2-4]', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    await subscribe(client, 't')
    await leave(client, 's')
    const clean = await join(server.port, 5, { clientId: 's', ...lasting, clean: true })
    expect(clean.connack.sessionPresent).toBe(false)
    await publishAndWait(clean.client, { topic: 't' })
    expect(payloads(clean.client)).toEqual([])
    await leave(clean.client, 's')
    await restart()
    const { client: later } = await join(server.port, 5, { clientId: 's', ...lasting })
    await publishAndWait(later, { topic: 't' })
    expect(payloads(later)).toEqual([])
    later.destroy()
  })

  test('not when the session ended with its connection', async () => {
    const first = await join(server.port, 5, { clientId: 's', clean: false })
    await leave(first.client, 's')
    expect((await join(server.port, 5, { clientId: 's', clean: false })).connack.sessionPresent).toBe(false)
  })
})

describe('expiry', () => {
  test('a session is over when its time is, and not before', async () => {
    const options = { clientId: 's', clean: false, properties: { sessionExpiryInterval: 1 } }
    await leave((await join(server.port, 5, options)).client, 's')
    const back = await join(server.port, 5, options)
    expect(back.connack.sessionPresent).toBe(true)
    await leave(back.client, 's')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect((await join(server.port, 5, options)).connack.sessionPresent).toBe(false)
  })

  test('DISCONNECT may change it [MQTT-3.14.2-2]', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    client.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } })
    await gone('s')
    expect((await join(server.port, 5, { clientId: 's', ...lasting })).connack.sessionPresent).toBe(false)
  })

  test('a resume with expiry 0 still brings what is queued', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    await subscribe(client, 't')
    await leave(client, 's')
    const { client: publisher } = await join(server.port, 5, { clientId: 'p' })
    await publishAndWait(publisher, { topic: 't', payload: 'kept' })
    const back = await join(server.port, 5, { clientId: 's', clean: false })
    expect(back.connack.sessionPresent).toBe(true)
    expect(String((await nextPublish(back.client)).payload)).toBe('kept')
    await leave(back.client, 's')
    expect((await join(server.port, 5, { clientId: 's', clean: false })).connack.sessionPresent).toBe(false)
  })

  test('holds over a restart: what has time left is there, what has not is gone', async () => {
    for (const [clientId, sessionExpiryInterval] of [
      ['short', 1],
      ['long', 3600],
      ['ever', 0xffff_ffff],
    ] as const) {
      const { client } = await join(server.port, 5, {
        clientId,
        clean: false,
        properties: { sessionExpiryInterval },
      })
      await subscribe(client, 't')
      await leave(client, clientId)
    }
    await server.close()
    await new Promise((resolve) => setTimeout(resolve, 1100))
    server = await startServer({ store, sessionsPath })
    const present: Record<string, boolean> = {}
    for (const clientId of ['short', 'long', 'ever']) {
      present[clientId] = (await join(server.port, 5, { clientId, ...lasting })).connack.sessionPresent
    }
    expect(present).toEqual({ short: false, long: true, ever: true })
  })

  test('a limit of the server is told and held [MQTT-3.2.2.3.2]', async () => {
    await server.close()
    server = await startServer({ store, sessionsPath, mqtt: { max_session_expiry_s: 1 } })
    const { client, connack } = await join(server.port, 5, { clientId: 's', ...lasting })
    expect(connack.properties?.sessionExpiryInterval).toBe(1)
    await leave(client, 's')
    await until(() => server.sessions.registry.get('s') === null, 'the session to be over')
  })

  test('above session_limit a session ends with its connection', async () => {
    await server.close()
    server = await startServer({ store, sessionsPath, mqtt: { session_limit: 2 } })
    for (const clientId of ['a', 'b', 'c']) {
      await leave((await join(server.port, 5, { clientId, ...lasting })).client, clientId)
    }
    expect(['a', 'b', 'c'].map((id) => server.sessions.registry.get(id) !== null)).toEqual([
      true,
      true,
      false,
    ])
  })
})

describe('over a restart', () => {
  test('message expiry goes on [MQTT-3.3.2-5]', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    await subscribe(client, 't')
    await leave(client, 's')
    const { client: publisher } = await join(server.port, 5, { clientId: 'p' })
    await publishAndWait(publisher, {
      topic: 't',
      payload: 'short',
      properties: { messageExpiryInterval: 1 },
    })
    await publishAndWait(publisher, {
      topic: 't',
      payload: 'long',
      properties: { messageExpiryInterval: 90 },
    })
    await server.close()
    await new Promise((resolve) => setTimeout(resolve, 1100))
    server = await startServer({ store, sessionsPath })
    const { client: back } = await join(server.port, 5, { clientId: 's', ...lasting })
    const { payload, properties } = await nextPublish(back)
    expect(String(payload)).toBe('long')
    expect(properties?.messageExpiryInterval).toBeLessThan(90)
  })

  test('queued and retained messages keep their properties, user properties in the order sent', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    await subscribe(client, [{ topic: 't', qos: 1 }], { subscriptionIdentifier: 12 })
    await leave(client, 's')
    const { client: publisher } = await join(server.port, 5, { clientId: 'p' })
    // a=1, b=2, a=3, and a name that an object would put first: 0=4.
    const pairs = [0x61, 0x31, 0x62, 0x32, 0x61, 0x33, 0x30, 0x34]
    const user = Buffer.concat(
      [0, 2, 4, 6].map((at) => Buffer.from([0x26, 0, 1, pairs[at] ?? 0, 0, 1, pairs[at + 1] ?? 0])),
    )
    const properties = Buffer.concat([Buffer.from([0x01, 1, 0x03, 0, 1, 0x63, 0x09, 0, 2, 0, 255]), user])
    const body = Buffer.concat([
      Buffer.from([0, 1, 0x74, 0, 9, properties.length]),
      properties,
      Buffer.from('hi'),
    ])
    publisher.write(Buffer.concat([Buffer.from([0x33, body.length]), body]))
    await publisher.take('puback')
    await restart()
    const { client: back } = await join(server.port, 5, { clientId: 's', ...lasting })
    const bytes: Buffer[] = []
    back.socket.on('data', (chunk) => void bytes.push(chunk))
    const queued = await nextPublish(back)
    expect(queued.properties).toMatchObject({
      payloadFormatIndicator: true,
      contentType: 'c',
      correlationData: Buffer.from([0, 255]),
      subscriptionIdentifier: 12,
    })
    back.send({ cmd: 'puback', messageId: queued.messageId ?? 0 })
    await subscribe(back, [{ topic: 't', qos: 1 }])
    expect((await nextPublish(back)).retain).toBe(true)
    const wire = Buffer.concat(bytes).toString('latin1')
    expect(wire.split(user.toString('latin1'))).toHaveLength(2)
    expect(store.readings.at(-1)?.properties?.userProperties).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['0', '4'],
    ])
  })

  test('a cut in the middle of a slow start repeats nothing at the next', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    await subscribe(client, [{ topic: 't', qos: 1 }])
    await leave(client, 's')
    await server.close()
    for (const payload of ['one', 'two']) {
      const reading = {
        topic: 't',
        time: 1,
        receivedAt: 1,
        source: 'mqtt',
        clientId: 'p',
        user: null,
      } as const
      const rest = { qos: 1, retain: false, dup: false, properties: null, fields: null } as const
      await new Promise<void>((resolve) => {
        store.append({ ...reading, ...rest, payload: Buffer.from(payload) }, { awaited: true }, () =>
          resolve(),
        )
      })
    }
    // The log is read slowly, so that the journal is written on the way; then the process is gone.
    const slow = { ...store, since: store.since.bind(store) }
    slow.since = async function* (seq) {
      const [first, second] = store.readings.filter((reading) => reading.seq > seq)
      if (first) yield [first]
      await new Promise((resolve) => setTimeout(resolve, 400))
      cpSync(sessionsPath, `${sessionsPath}-killed`, { recursive: true })
      if (second) yield [second]
    }
    await (await startServer({ store: slow, sessionsPath })).close()
    const killed = `${sessionsPath}-killed`
    server = await startServer({ store, sessionsPath: killed })
    const { client: back } = await join(server.port, 5, { clientId: 's', ...lasting })
    await until(() => payloads(back).length >= 2, 'both messages')
    await settle(back)
    expect(payloads(back)).toEqual(['one', 'two'])
    rmSync(killed, { recursive: true, force: true })
  })

  test('a QoS 2 delivery goes on where it was: the same packet id, or PUBREL alone', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    await subscribe(client, 't')
    const { client: publisher } = await join(server.port, 5, { clientId: 'p' })
    for (const [messageId, payload] of [
      [1, 'begun'],
      [2, 'released'],
    ] as const) {
      publish(publisher, { topic: 't', qos: 2, messageId, payload })
      await publisher.take('pubrec')
    }
    const begun = await nextPublish(client)
    const released = await nextPublish(client)
    client.send({ cmd: 'pubrec', messageId: released.messageId ?? 0 })
    await client.take('pubrel')
    client.destroy()
    await restart()
    const { client: back } = await join(server.port, 5, { clientId: 's', ...lasting })
    expect(await back.take('pubrel')).toMatchObject({ messageId: released.messageId })
    expect(await nextPublish(back)).toMatchObject({ messageId: begun.messageId, dup: true })
    await settle(back)
    expect(payloads(back)).toEqual(['begun'])
  })
})

describe('wills', () => {
  const will = { topic: 'w', payload: Buffer.from('gone'), qos: 1 as const, retain: false }

  test('the delay passes before a will is sent, and a client that is back in time takes it away [MQTT-3.1.3-9]', async () => {
    const { client: watcher } = await join(server.port, 5, { clientId: 'watcher' })
    await subscribe(watcher, 'w')
    const options = {
      clientId: 's',
      ...lasting,
      will: { ...will, properties: { willDelayInterval: 1 } },
    }
    const { client } = await join(server.port, 5, options)
    client.destroy()
    await gone('s')
    await settle(watcher)
    expect(payloads(watcher)).toEqual([])
    const { client: back } = await join(server.port, 5, options)
    await new Promise((resolve) => setTimeout(resolve, 1700))
    await settle(watcher)
    expect(payloads(watcher)).toEqual([])
    back.destroy()
    expect(String((await nextPublish(watcher)).payload)).toBe('gone')
  })

  test('a session that ends sends it before the delay is over [MQTT-3.1.2-8]', async () => {
    const { client: watcher } = await join(server.port, 5, { clientId: 'watcher' })
    await subscribe(watcher, 'w')
    const { client } = await join(server.port, 5, {
      clientId: 's',
      ...lasting,
      will: { ...will, properties: { willDelayInterval: 600 } },
    })
    client.destroy()
    await gone('s')
    const { client: clean } = await join(server.port, 5, { clientId: 's' })
    expect(String((await nextPublish(watcher)).payload)).toBe('gone')
    clean.destroy()
  })

  test('a stop of the server sends it once, however long its commit takes', async () => {
    await join(server.port, 5, { clientId: 's', will })
    store.held = true
    const stopping = server.close()
    setTimeout(() => store.releaseAll(), 500)
    await stopping
    server = await startServer({ store, sessionsPath })
    const { client } = await join(server.port, 5, { clientId: 'p' })
    await publishAndWait(client, { topic: 'end' })
    expect(store.readings.map(({ topic }) => topic)).toEqual(['w', 'end'])
    client.destroy()
  })

  test('DISCONNECT 0x04 sends it, DISCONNECT does not [MQTT-3.14.4-3]', async () => {
    const { client: watcher } = await join(server.port, 5, { clientId: 'watcher' })
    await subscribe(watcher, 'w')
    const { client: quiet } = await join(server.port, 5, {
      clientId: 'quiet',
      will: { ...will, payload: Buffer.from('no') },
    })
    await leave(quiet, 'quiet')
    const { client } = await join(server.port, 5, { clientId: 's', will })
    client.send({ cmd: 'disconnect', reasonCode: 4 })
    expect(String((await nextPublish(watcher)).payload)).toBe('gone')
  })
})
