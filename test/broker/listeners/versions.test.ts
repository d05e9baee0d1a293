// accept_protocol_versions: which versions of MQTT a listener speaks, and the answer to the others.

import { connectAsync } from 'mqtt'
import { generate } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { connectPacket, connectRaw, openRaw, type Version } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'
import { plainListener } from './plainListener.ts'

let server: TestServer
afterEach(() => server.close())

async function start(accept_protocol_versions: number[]): Promise<number> {
  server = await startServer({
    mqtt: { default_listener: false, listeners: [{ ...plainListener, accept_protocol_versions }] },
  })
  return server.port
}

/** Everything the server writes to a CONNECT of this version, until it closes. */
async function answerTo(port: number, version: Version): Promise<Buffer> {
  const client = await openRaw(port, version)
  const chunks: Buffer[] = []
  client.socket.on('data', (chunk) => chunks.push(chunk))
  client.write(generate(connectPacket(version), { protocolVersion: version }))
  await client.untilClosed()
  return Buffer.concat(chunks)
}

describe.each([
  [3, [4, 5], [0x20, 2, 0, 1]],
  [4, [3, 5], [0x20, 2, 0, 1]],
  [5, [3, 4], [0x20, 3, 0, 0x84, 0]],
] as const)('MQTT of level %d where %j are spoken', (version, spoken, refusal) => {
  test('is refused with the CONNACK of its version [MQTT-3.1.2-2]', async () => {
    const port = await start([...spoken])
    expect([...(await answerTo(port, version))]).toEqual(refusal)
    expect(server.broker.clients()).toEqual([])
  })

  test('leaves the others in', async () => {
    const port = await start([...spoken])
    for (const level of spoken) {
      const client = await connectRaw(port, level, { clientId: `v${level}` })
      expect(client.received[0]).toMatchObject({
        cmd: 'connack',
        [level === 5 ? 'reasonCode' : 'returnCode']: 0,
      })
    }
    expect(server.broker.clients().map(({ version: level }) => level)).toEqual(spoken)
  })
})

test('an empty list is every version', async () => {
  const port = await start([])
  for (const level of [3, 4, 5] as const) await connectRaw(port, level, { clientId: `v${level}` })
  expect(server.broker.clients()).toHaveLength(3)
})

test('a client of a library is told why', async () => {
  const port = await start([5])
  const url = `mqtt://127.0.0.1:${port}`
  await expect(connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 })).rejects.toThrow(
    'Unacceptable protocol version',
  )
  const client = await connectAsync(url, { protocolVersion: 5 })
  await client.endAsync()
})
