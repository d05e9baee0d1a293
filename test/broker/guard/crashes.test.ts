// The same provocation against a bare aedes@2.0.0-beta.1, which falls, and against ours, which goes on serving.

import { generate } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { connectRaw, openRaw, connectPacket } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'
import { type Bare, startBare } from './bare.ts'

let bare: Bare | null = null
let server: TestServer | null = null
afterEach(async () => {
  await bare?.stop()
  await server?.close()
  bare = null
  server = null
})

type Provoke = (port: number) => Promise<void>

const connectAs =
  (clientId: string): Provoke =>
  async (port) => {
    const client = await openRaw(port, 4)
    client.send(connectPacket(4, { clientId }))
    await Promise.race([client.take('connack').catch(() => undefined), client.untilClosed()])
    client.destroy()
  }

const subscribeTo =
  (...topics: string[]): Provoke =>
  async (port) => {
    const client = await connectRaw(port, 4)
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) })
    await client.take('suback').catch(() => undefined)
    client.destroy()
  }

const releaseTwice: Provoke = async (port) => {
  const client = await connectRaw(port, 4, { clean: false })
  client.send({ cmd: 'publish', topic: 't', payload: 'x', qos: 2, messageId: 7, dup: false, retain: false })
  await client.take('pubrec')
  const release = generate({ cmd: 'pubrel', messageId: 7 })
  client.write(Buffer.concat([release, release]))
  await client.take('pubcomp').catch(() => undefined)
  client.destroy()
}

const cases: [string, Provoke][] = [
  ['a client id "constructor"', connectAs('constructor')],
  ['a client id "__proto__"', connectAs('__proto__')],
  ['a client id "toString"', connectAs('toString')],
  ['a subscription to "constructor"', subscribeTo('constructor')],
  ['two PUBRELs in one chunk', releaseTwice],
]

describe.each(cases)('%s', (_name, provoke) => {
  test('ends a bare Aedes', async () => {
    bare = await startBare()
    await provoke(bare.port).catch(() => undefined)
    await bare.untilFallen()
    expect(bare.fallen).toBe(true)
  })

  test('does not end ours', async () => {
    server = await startServer()
    await provoke(server.port)
    const client = await connectRaw(server.port, 4, { clientId: 'next' })
    client.send({
      cmd: 'publish',
      topic: 'still/here',
      payload: 'x',
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    })
    await client.take('puback')
    client.destroy()
  })
})

describe('a hook that throws', () => {
  const provoke: Provoke = async (port) => {
    const client = await connectRaw(port, 4)
    client.send({ cmd: 'publish', topic: 't', payload: 'x', qos: 1, messageId: 7, dup: false, retain: false })
    await client.untilClosed()
  }

  test('ends a bare Aedes', async () => {
    bare = await startBare('--throwing-hook')
    await provoke(bare.port)
    await bare.untilFallen()
    expect(bare.fallen).toBe(true)
  })

  test('is a refusal with ours', async () => {
    server = await startServer({
      principals: {
        '': {
          mayWrite: () => {
            throw new Error('a fault in a hook')
          },
        },
      },
    })
    await provoke(server.port)
    expect(server.store.readings).toEqual([])
    const client = await connectRaw(server.port, 4)
    client.destroy()
  })
})
