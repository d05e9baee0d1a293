// Every message of the fixture, as real devices send them, over MQTT at each QoS and version, and back over HTTP.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

interface Message {
  id: string
  topic: string
  payload_utf8?: string
  payload_base64?: string
  format: string
}

const messages = readFileSync(join(import.meta.dirname, '../fixtures/messages.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Message)
  .map((message) => ({
    ...message,
    bytes:
      message.payload_base64 === undefined
        ? Buffer.from(message.payload_utf8 ?? '')
        : Buffer.from(message.payload_base64, 'base64'),
  }))

let home: Home
let server: TestServer

beforeAll(async () => {
  home = makeHome()
  server = await home.start()
})
afterAll(() => home.remove())

interface Answer {
  data: {
    topic: string
    seq: number
    record?: number
    value?: unknown
    payload?: string
    payload_base64?: string
  }[]
}

const bytesOf = (reading: Answer['data'][number]): Buffer =>
  reading.payload_base64 === undefined
    ? Buffer.from(reading.payload ?? '')
    : Buffer.from(reading.payload_base64, 'base64')

const cases = ([4, 5] as const).flatMap((version) => ([0, 1, 2] as const).map((qos) => ({ version, qos })))

test.each(cases)(
  'all messages come back byte for byte: MQTT version $version, QoS $qos',
  async ({ version, qos }) => {
    const root = `v${version}/q${qos}`
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, {
      ...account,
      protocolVersion: version,
    })
    for (const { topic, bytes } of messages) {
      await client.publishAsync(`${root}/${topic}`, bytes, { qos })
    }
    // QoS 0 has no acknowledgement of its own; one of QoS 1 on the same connection comes after them all.
    await client.publishAsync(`${root}/done`, 'done', { qos: 1 })
    await client.endAsync()

    const response = await server.request(`/api/v1/readings?prefix=${root}&from=0&order=asc&limit=1000&raw=1`)
    expect(response.status).toBe(200)
    const text = await response.text()
    // Readings of one message have times of their own; the first of them carries the payload.
    const readings = (JSON.parse(text) as Answer).data
      .filter(({ topic, record = 0 }) => topic !== `${root}/done` && record === 0)
      .sort((a, b) => a.seq - b.seq)
    expect(readings.length).toBe(messages.length)
    for (const [index, message] of messages.entries()) {
      const reading = readings[index]
      expect(reading?.topic, message.id).toBe(`${root}/${message.topic}`)
      if (reading) expect(bytesOf(reading).equals(message.bytes), message.id).toBe(true)
      if (message.format === 'json')
        expect(text.includes(`"value":${String(message.bytes)}`), message.id).toBe(true)
    }
  },
)
