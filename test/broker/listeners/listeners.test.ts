// Every kind of listener with a real client: TCP, TLS, WebSocket, secure WebSocket, unix socket, PROXY protocol.

import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { connect as mqttConnect, type IClientOptions, MqttClient } from 'mqtt'
import { generate } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ListenerConfig } from '../../../src/config/listener.ts'
import { AppError } from '../../../src/domain/errors.ts'
import { connectPacket } from '../rawClient.ts'
import { type ServerOptions, startServer, type TestServer } from '../server.ts'
import { plainListener } from './plainListener.ts'
import { encodeProxyHeader } from './proxyHeader.ts'

const fixture = (name: string): string => join(import.meta.dirname, '../../fixtures/tls', name)
const ca = readFileSync(fixture('ca.pem'))
const tls = { cert_file: fixture('server.pem'), key_file: fixture('server.key') }
const pair = (name: string) => ({
  cert: readFileSync(fixture(`${name}.pem`)),
  key: readFileSync(fixture(`${name}.key`)),
})

let server: TestServer
let directory: string
const clients: MqttClient[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'amber-listen-'))
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)))
  await server?.close()
  rmSync(directory, { recursive: true, force: true })
})

async function start(listener: Partial<ListenerConfig>, options: ServerOptions = {}): Promise<number> {
  server = await startServer({
    ...options,
    mqtt: { default_listener: false, listeners: [{ ...plainListener, ...listener }], ...options.mqtt },
  })
  return server.port
}

async function connect(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = mqttConnect(url, { reconnectPeriod: 0, ca, connectTimeout: 10_000, ...options })
  clients.push(client)
  await new Promise((resolve, reject) => {
    client.once('connect', resolve)
    client.on('error', reject)
    client.on('close', () => reject(new Error('closed')))
  })
  return client
}

/** Publishes and hears it back, in both directions, with a payload of many frames and chunks. */
async function exchange(client: MqttClient, size = 300_000): Promise<void> {
  const payload = Buffer.alloc(size, 'abcdefg')
  const heard = new Promise<Buffer>((resolve) =>
    client.once('message', (_topic, message) => resolve(message)),
  )
  await client.subscribeAsync('exchange', { qos: 1 })
  await client.publishAsync('exchange', payload, { qos: 1 })
  expect((await heard).equals(payload)).toBe(true)
}

const kinds = [
  ['mqtt', {}],
  ['mqtts', tls],
  ['ws', { protocol: 'websockets' as const }],
  ['wss', { protocol: 'websockets' as const, ...tls }],
] as const

describe.each(kinds)('%s', (scheme, listener) => {
  test.each([4, 5] as const)('carries MQTT of level %d both ways', async (protocolVersion) => {
    const port = await start(listener)
    await exchange(await connect(`${scheme}://localhost:${port}`, { protocolVersion }))
    const protocol = 'protocol' in listener ? 'websockets' : 'mqtt'
    expect(server.broker.listeners).toMatchObject([{ port, tls: 'cert_file' in listener, protocol }])
    expect(server.broker.clients()).toMatchObject([{ address: '127.0.0.1', version: protocolVersion }])
  })

  test('behind a PROXY header shows the client’s own address, and its bytes follow at once', async () => {
    const port = await start({ ...listener, proxy_protocol: true })
    const header = encodeProxyHeader('203.0.113.7')
    // Something in between that puts the header before the very first bytes, in one piece.
    const proxy = createServer((near) => {
      const far = connectTcp(port, '127.0.0.1')
      near.once('data', (first) => {
        far.write(Buffer.concat([header, first]))
        near.pipe(far).pipe(near)
      })
      for (const side of [near, far]) side.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { port: proxyPort } = proxy.address() as { port: number }
    const client = await connect(`${scheme}://localhost:${proxyPort}`, { family: 4 } as IClientOptions)
    await exchange(client, 1000)
    expect(server.broker.clients()).toMatchObject([{ address: '203.0.113.7' }])
    await client.endAsync(true)
    proxy.close()
  })

  test('who says nothing is closed in time', async () => {
    const port = await start(listener, { mqtt: { connect_timeout_ms: 200 } })
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    await new Promise((resolve) => socket.once('close', resolve))
    await expect.poll(async () => (await server.metrics.connections.get()).values[0]?.value).toBe(0)
  })
})

describe('unix socket', () => {
  test('carries MQTT, replaces a socket that a killed process left, and is gone after the end', async () => {
    const path = join(directory, 'mqtt.sock')
    const first = createServer((socket) => socket.on('error', () => undefined)).listen(path)
    await new Promise((resolve) => first.once('listening', resolve))
    await expect(start({ path })).rejects.toMatchObject({ code: 'port_in_use' })
    await new Promise((resolve) => first.close(resolve))
    copyFileSync(fixture('ca.pem'), path)
    await expect(start({ path })).rejects.toThrow('it is there and no socket')
    rmSync(path)
    await start({ path })
    const client = new MqttClient(() => connectTcp({ path }), { protocolId: 'MQTT', reconnectPeriod: 0 })
    clients.push(client)
    client.on('error', () => undefined)
    await new Promise((resolve) => client.once('connect', resolve))
    await exchange(client)
    expect(server.broker.clients()).toMatchObject([{ address: '' }])
    await server.close()
    expect(existsSync(path)).toBe(false)
  })
})

describe('PROXY protocol', () => {
  test.each([
    ['no header', generate(connectPacket(4))],
    ['a broken one', Buffer.from('PROXY TCP4 nobody nowhere 1 2\r\n')],
    ['one that never ends', Buffer.alloc(200, 'PROXY ')],
  ])('%s is closed and counted', async (_name, bytes) => {
    const port = await start({ proxy_protocol: true })
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(bytes)
    await new Promise((resolve) => socket.once('close', resolve))
    expect((await server.metrics.refused.get()).values).toMatchObject([
      { labels: { reason: 'proxy_header' } },
    ])
  })

  test('is believed only from trusted addresses', async () => {
    const port = await start({ proxy_protocol: true, proxy_trusted: ['10.0.0.0/8'] })
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(Buffer.concat([encodeProxyHeader('203.0.113.7'), generate(connectPacket(4))]))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(server.broker.clients()).toEqual([])
  })

  test('a network nobody can read is a clear error', async () => {
    await expect(start({ proxy_protocol: true, proxy_trusted: ['10.0.0.0/33'] })).rejects.toThrow(
      'proxy_trusted: "10.0.0.0/33" is no address and no network',
    )
  })
})

describe('TLS', () => {
  const strict = { ...tls, ca_file: fixture('ca.pem'), require_certificate: true }

  test('the name asked for chooses the certificate', async () => {
    const other = {
      server_name: '*.example.org',
      cert_file: fixture('other.pem'),
      key_file: fixture('other.key'),
    }
    const port = await start({ ...tls, sni: [other] })
    const subjectFor = async (servername: string): Promise<string> => {
      const socket = connectTls({
        port,
        host: '127.0.0.1',
        servername,
        ca,
        checkServerIdentity: () => undefined,
      })
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      const { CN } = socket.getPeerCertificate().subject
      socket.destroy()
      return String(CN)
    }
    expect(await subjectFor('other.example.org')).toBe('other.example.org')
    expect(await subjectFor('a.b.example.org')).toBe('localhost')
    expect(await subjectFor('localhost')).toBe('localhost')
  })

  test('a client certificate is required, checked, and revoked ones are refused', async () => {
    const port = await start({ ...strict, crl_file: fixture('crl.pem') })
    await exchange(await connect(`mqtts://localhost:${port}`, pair('client')), 10)
    await expect(connect(`mqtts://localhost:${port}`)).rejects.toThrow()
    await expect(connect(`mqtts://localhost:${port}`, pair('revoked'))).rejects.toThrow()
  })

  test('a file with the lists of several authorities is read to its end', async () => {
    const port = await start({ ...strict, crl_file: fixture('crls.pem') })
    await exchange(await connect(`mqtts://localhost:${port}`, pair('branch')), 10)
    await exchange(await connect(`mqtts://localhost:${port}`, pair('client')), 10)
    await expect(connect(`mqtts://localhost:${port}`, pair('revoked'))).rejects.toThrow()
  })

  test.each([
    ['common_name', 'sensor-1'],
    ['subject', 'CN=sensor-1,O=Amber'],
  ] as const)('username_from %s makes the user %s, without a password', async (username_from, user) => {
    const port = await start({ ...strict, username_from }, { principals: { [user]: {} } })
    await exchange(
      await connect(`mqtts://localhost:${port}`, { ...pair('client'), username: 'admin', password: 'x' }),
      10,
    )
    expect(server.broker.clients()).toMatchObject([{ user }])
    await expect(connect(`mqtts://localhost:${port}`, pair('nameless'))).rejects.toThrow()
  })

  test.each([
    [{ ...tls, key_file: '' }, 'cert_file needs a key_file'],
    [{ ...tls, key_file: fixture('other.key') }, 'TLS cannot be set up'],
    [{ ...tls, cert_file: '/nowhere.pem' }, 'cannot read /nowhere.pem: there is no such file'],
    [{ ...tls, require_certificate: true }, 'require_certificate needs a ca_file'],
    [{ ...tls, username_from: 'common_name' as const }, 'needs require_certificate'],
    [{ require_certificate: true }, 'without TLS nobody shows a certificate'],
    [{ proxy_protocol: true, username_from: 'subject' as const }, 'without TLS nobody shows a certificate'],
  ])('%j does not start', async (listener, message) => {
    await expect(start(listener)).rejects.toThrow(message)
  })

  test('a changed certificate is served to new clients, and those connected stay', async () => {
    const files = { cert_file: join(directory, 'cert.pem'), key_file: join(directory, 'key.pem') }
    const put = (name: string): void => {
      copyFileSync(fixture(`${name}.key`), files.key_file)
      copyFileSync(fixture(`${name}.pem`), files.cert_file)
    }
    put('server')
    const port = await start(files)
    const client = await connect(`mqtts://localhost:${port}`)
    const served = async (): Promise<string> => {
      const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca })
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      const { CN } = socket.getPeerCertificate().subject
      socket.destroy()
      return String(CN)
    }
    expect(await served()).toBe('localhost')
    put('other')
    await expect.poll(served, { timeout: 20_000 }).toBe('other.example.org')
    writeFileSync(files.cert_file, 'broken')
    expect(() => server.broker.reload()).toThrow(AppError)
    expect(await served()).toBe('other.example.org')
    expect(client.connected).toBe(true)
    await exchange(client)
  })
})

describe('WebSocket', () => {
  test('a page, a wrong subprotocol and a foreign origin are answered', async () => {
    const port = await start({ protocol: 'websockets', origins: ['https://example.org'] })
    const page = await new Promise<number | undefined>((resolve) => {
      request({ port, host: '127.0.0.1' }, (response) => resolve(response.statusCode)).end()
    })
    expect(page).toBe(426)
    const open = (protocols: string[], origin?: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = new WebSocket(
          `ws://127.0.0.1:${port}/mqtt`,
          protocols,
          origin === undefined ? {} : { origin },
        )
        socket.once('open', () => {
          resolve(socket.protocol)
          socket.terminate()
        })
        socket.once('error', (error) => resolve(error.message))
      })
    expect(await open(['chat'], 'https://example.org')).toContain('400')
    expect(await open(['mqtt'])).toContain('403')
    expect(await open(['mqtt'], 'https://evil.example')).toContain('403')
    expect(await open(['mqttv3.1'], 'https://example.org')).toBe('mqttv3.1')
    expect(await open(['chat', 'mqtt'], 'https://example.org')).toBe('mqtt')
  })

  test('packets may be cut over frames anywhere, and text frames end the connection [MQTT-6.0.0-1]', async () => {
    const port = await start({ protocol: 'websockets' })
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ['mqtt'])
    await new Promise((resolve) => socket.once('open', resolve))
    const answer = new Promise<Buffer>((resolve) => socket.once('message', (data) => resolve(data as Buffer)))
    for (const byte of generate(connectPacket(4))) socket.send(Buffer.from([byte]))
    expect((await answer)[0]).toBe(0x20)
    socket.send('text')
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(1003)
    await expect.poll(() => server.broker.clients()).toEqual([])
  })

  test('a frame beyond the largest packet ends the connection', async () => {
    const port = await start({ protocol: 'websockets' }, { mqtt: { max_packet_size: 1024 } })
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ['mqtt'])
    await new Promise((resolve) => socket.once('open', resolve))
    socket.on('error', () => undefined)
    socket.send(Buffer.alloc(2_000_000))
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(1009)
  })
  test('what came in front of a close is served, though nobody is left to be answered', async () => {
    const port = await start({ protocol: 'websockets' })
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ['mqtt'])
    await new Promise((resolve) => socket.once('open', resolve))
    const { _socket: wire } = socket as unknown as { _socket: Socket }
    wire.cork()
    socket.send(generate(connectPacket(4)))
    for (let i = 0; i < 100; i++) socket.send(Buffer.from('300400017478', 'hex'))
    socket.close(1000)
    wire.uncork()
    await expect.poll(() => server.store.readings.length).toBe(100)
    await expect.poll(() => server.broker.clients()).toEqual([])
  })
})
