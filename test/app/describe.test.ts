// Names and units that devices announce for Home Assistant, in the list of topics of a real server: as they come, over a restart,
// and gone when they are taken back.

import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

let home: Home
let server: TestServer

beforeAll(async () => {
  home = makeHome()
  server = await home.start()
})
afterAll(() => home.remove())

const discovery = 'homeassistant/sensor/hall/temperature/config'
const config = JSON.stringify({
  name: 'Hall temperature',
  state_topic: 'zigbee2mqtt/hall',
  value_template: '{{ value_json.temperature }}',
  unit_of_measurement: '°C',
  device_class: 'temperature',
})
const fields = async () => {
  const answer = await server.request('/api/v1/topics?topic=zigbee2mqtt/hall')
  return ((await answer.json()) as { data: { fields: unknown }[] }).data[0]?.fields
}
const known = [
  { name: 'temperature', type: 'number', title: 'Hall temperature', unit: '°C', kind: 'temperature' },
  { name: 'battery', type: 'number' },
]
const publish = async (topic: string, payload: string): Promise<void> => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, account)
  await client.publishAsync(topic, payload, { qos: 1, retain: true })
  await client.endAsync()
}

test('what a device announces stands with its fields, over a kill, until it is taken back', async () => {
  await publish('zigbee2mqtt/hall', '{"temperature":21.5,"battery":97}')
  expect(await fields()).toEqual([{ name: 'temperature', type: 'number' }, known[1]])
  await publish(discovery, config)
  expect(await fields()).toEqual(known)
  await server.kill()
  server = await home.start()
  await vi.waitFor(async () => expect(await fields()).toEqual(known), { timeout: 10_000 })
  await publish(discovery, '')
  expect(await fields()).toEqual([{ name: 'temperature', type: 'number' }, known[1]])
  await server.kill()
  server = await home.start(['--log.level=info'])
  await publish('zigbee2mqtt/hall', '{"temperature":22,"battery":97}')
  expect(await fields()).toEqual([{ name: 'temperature', type: 'number' }, known[1]])
})
