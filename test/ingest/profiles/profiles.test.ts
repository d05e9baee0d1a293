import { expect, test } from 'vitest'
import { decodeFields } from '../../../src/ingest/decode/decode.ts'
import { profiles } from '../../../src/ingest/profiles/profiles.ts'
import { applier, ruleSet } from '../rules/apply.ts'
import { readMessages, score } from '../score.ts'

const messages = readMessages()
const receivedAt = Date.parse('2026-11-24T12:00:00Z')
const clean = applier('profiles: all\nzone: Europe/Berlin\n')
const cleaned = async (id: string) => {
  const message = messages.find((one) => one.id === id)
  if (!message) throw new Error(`no message ${id}`)
  return clean(message.topic, message.payload, receivedAt)
}

test.each(profiles.map(({ name }) => name))('the profile %s is valid by itself', (name) => {
  expect(ruleSet(`profiles: [${name}]`).rules.length).toBeGreaterThan(0)
})

test('with all profiles at least 99 % of the leaves are right and none is wrong', async () => {
  const made = new Map(
    await Promise.all(
      messages.map(async ({ id, topic, payload }) => [id, await clean(topic, payload, receivedAt)] as const),
    ),
  )
  const { leaves, right, wrong, nulls } = score(messages, ({ id, topic, payload }) => {
    const [first, ...others] = made.get(id) ?? []
    // A message of several records is scored by its decoder.
    return others.length > 0 || !first?.fields ? decodeFields(topic, payload) : first.fields
  })
  expect(wrong).toEqual([])
  expect(nulls).toEqual([])
  expect(right / leaves).toBeGreaterThanOrEqual(0.99)
  expect([...made.values()].flat().filter((reading) => reading.cleaned?.refused)).toEqual([])
})

/** Read by hand from the payloads; local times are of Europe/Berlin. */
const times = new Map([
  ['tasmota-001', '2018-02-15T16:37:10.000Z'],
  ['tasmota-002', '2018-11-15T07:54:18.000Z'],
  ['tasmota-003', '2021-01-02T08:09:44.000Z'],
  ['tasmota-004', '2021-06-27T13:03:44.000Z'],
  ['tasmota-005', '2019-09-04T11:08:48.000Z'],
  ['tasmota-007', '2021-06-27T13:03:44.000Z'],
  ['tasmota-010', '2021-10-26T15:28:45.000Z'],
  ['tasmota-011', '2020-03-24T11:47:51.000Z'],
  ['tasmota-012', '2024-11-09T11:52:46.000Z'],
  ['tasmota-013', '2018-10-23T21:47:58.000Z'],
  ['tasmota-014', '2018-10-31T10:57:31.000Z'],
  ['tasmota-015', '2017-07-24T10:23:35.000Z'],
  ['tasmota-020', '2022-07-20T20:32:58.000Z'],
  ['shelly-007', '2023-11-03T08:26:00.130Z'],
  ['shelly-009', '2025-06-22T17:17:39.620Z'],
  ['shelly-011', '2026-09-09T09:14:52.880Z'],
  ['shelly-012', '2021-06-22T07:54:42.250Z'],
  ['owntracks-001', '2024-02-02T06:44:58.000Z'],
  ['owntracks-002', '2015-09-11T15:13:33.000Z'],
  ['owntracks-003', '2024-02-04T14:39:34.000Z'],
  ['owntracks-004', '2014-05-18T23:18:50.000Z'],
  ['owntracks-006', '2017-06-15T06:37:31.000Z'],
  ['rtl433-001', '2019-08-29T06:38:19.000Z'],
  ['rtl433-002', '2021-05-21T16:37:27.002Z'],
  ['rtl433-003', '2019-04-22T19:28:12.000Z'],
  ['rtl433-006', '2022-10-29T16:42:29.000Z'],
  ['chirpstack-001', '2019-11-08T13:59:25.048Z'],
  ['chirpstack-003', '2022-07-18T09:34:15.775Z'],
  ['chirpstack-004', '2022-07-18T09:35:06.927Z'],
  ['chirpstack-005', '2022-07-18T09:39:57.311Z'],
  ['chirpstack-007', '2022-08-03T14:37:59.000Z'],
  ['tts-001', '2025-04-16T11:54:13.787Z'],
  ['tts-002', '2020-05-12T12:23:07.087Z'],
  ['tts-003', '2020-02-17T07:49:09.935Z'],
  ['tts-006', '2020-02-17T10:32:24.590Z'],
  ['thingpark-001', '2021-11-30T23:00:11.013Z'],
  ['sparkplug-001', '2023-03-06T09:22:41.525Z'],
  ['sparkplug-005', '2026-09-21T14:13:20.000Z'],
  ['frigate-001', '2020-12-04T23:19:22.083Z'],
  ['frigate-002', '2020-12-04T23:19:18.748Z'],
  ['meshtastic-001', '2022-03-09T13:32:04.000Z'],
  ['ams-001', '2025-10-04T18:20:40.000Z'],
  ['wmbus-001', '2024-03-03T18:37:00.000Z'],
  ['wmbus-002', '2023-01-14T07:20:22.000Z'],
  ['wmbus-003', '2024-03-03T18:36:45.000Z'],
  ['wmbus-005', '2018-02-08T09:07:22.000Z'],
  ['octoprint-001', '2018-01-29T01:50:29.000Z'],
  ['octoprint-003', '2021-11-09T07:24:23.000Z'],
  ['thinedge-001', '2020-10-15T05:30:47.000Z'],
  ['thinedge-004', '2021-01-01T05:30:45.000Z'],
  ['neuron-001', '2022-04-15T07:06:28.943Z'],
  ['neuron-002', '2022-04-15T07:06:28.943Z'],
  ['siemens-001', '2022-07-21T13:01:50.159Z'],
  ['siemens-002', '2021-03-10T22:23:04.146Z'],
  ['siemens-004', '2022-07-21T13:01:50.159Z'],
  ['labnode-001', '2020-03-31T16:59:47.000Z'],
  ['smarthome-001', '2015-01-20T22:24:37.000Z'],
  ['zwavejs-001', '2019-01-28T13:52:03.859Z'],
  ['signalk-001', '2015-03-06T23:37:10.523Z'],
  ['influx-001', '2021-11-15T22:22:22.460Z'],
  ['oddjson-012', '2017-10-02T17:26:06.000Z'],
  ['p1-001', '2025-11-25T09:56:43.000Z'],
])

test.each([...times])('%s is of %s', async (id, time) => {
  const [first] = await cleaned(id)
  expect(new Date(first?.time ?? 0).toISOString()).toBe(time)
})

/** Counters, ages, set dates, other people's date order. */
const withoutTime = messages.filter(({ id, format }) => !times.has(id) && !format.startsWith('senml'))

test.each(withoutTime.map(({ id }) => id))('%s has no time of its own that could be trusted', async (id) => {
  for (const { time } of await cleaned(id)) expect(time).toBe(receivedAt)
})

test.each([
  ['tasmota-001', { 'ENERGY.Power': 'W', 'ENERGY.Total': 'kWh' }],
  ['tasmota-014', { 'SI7021-04.Temperature': '°C' }],
  ['zigbee2mqtt-002', { temperature: '°C', humidity: '%' }],
  ['shelly-004', { value: 'Wmin' }],
  ['shelly-006', { apower: 'W', 'aenergy.total': 'Wh', 'temperature.tC': '°C', 'temperature.tF': '°F' }],
  ['theengs-002', { avg: 'kW', sum: 'kWh' }],
  ['theengs-007', { weight: 'lb' }],
  ['victron-003', { value: 'V' }],
  ['rtl433-007', { pressure_kPa: 'kPa', temperature_C: '°C' }],
  ['senml-003', { 'urn:dev:ow:10e2073a01080063:temp': '°C' }],
  ['wmbus-001', { total_m3: 'm³' }],
])('%s has units under their canonical names', async (id, units) => {
  expect((await cleaned(id))[0]?.cleaned?.units).toMatchObject(units)
})

test.each([
  ['owntracks-002', ['cog', 'batt', 'vel', 'vac'], { lon: 2.29513, alt: 0 }],
  ['theengs-003', ['tempc', 'hum', 'pres'], { volt: 3.646 }],
  ['ams-001', ['temp'], { vcc: 3.273 }],
])('of %s the numbers that stand for no value are left out', async (id, missing, kept) => {
  const fields = { ...(await cleaned(id))[0]?.fields }
  for (const name of missing) expect(fields).not.toHaveProperty([name])
  expect(fields).toMatchObject(kept)
})

test.each([
  ['shelly-002', { device: 'shellyem3-68C63AFAF952', quantity: 'power' }],
  ['owntracks-001', { user: 'jane', device: 'nokia' }],
  ['tasmota-010', { device: 'denky_D6C0C0' }],
  ['sparkplug-005', { group: 'GROUP', message: 'DCMD', edge: 'EDGE', device: 'DEV' }],
])('%s has the tags of its topic', async (id, tags) => {
  expect({ ...(await cleaned(id))[0]?.cleaned?.tags }).toMatchObject(tags)
})

test('a clock that was never set, and a last will of OwnTracks, give no time', async () => {
  const [unset] = await clean('tele/plug/SENSOR', '{"Time":"1970-01-01T00:00:07"}', receivedAt)
  const [will] = await clean('owntracks/jane/phone', '{"_type":"lwt","tst":1700000000}', receivedAt)
  expect([unset?.time, will?.time]).toEqual([receivedAt, receivedAt])
})

test("what Home Assistant's statestream tells is of no ESPHome device called homeassistant", async () => {
  const [stream] = await clean('homeassistant/sensor/kitchen/state', '21.5', receivedAt)
  const [node] = await clean('kitchen/sensor/temperature/state', '21.5', receivedAt)
  expect({ ...stream?.cleaned?.tags }).toEqual({ kind: 'sensor', entity: 'kitchen' })
  expect({ ...node?.cleaned?.tags }).toEqual({ device: 'kitchen', kind: 'sensor', entity: 'temperature' })
})

test.each([
  [
    'homie/5/boiler/burner/temperature',
    '21.5',
    { device: 'boiler', node: 'burner', property: 'temperature' },
  ],
  ['homie/5/boiler/$state', 'ready', { device: 'boiler' }],
  ['homie/boiler/burner/temperature', '21.5', { device: 'boiler', node: 'burner', property: 'temperature' }],
  ['app/devices/door/up', '{"port":1}', { application: 'app', device: 'door' }],
])('%s has the tags of its topic', async (topic, payload, tags) => {
  expect({ ...(await clean(topic, payload, receivedAt))[0]?.cleaned?.tags }).toEqual(tags)
})

test('a device of Zigbee2MQTT whose name has levels has units', async () => {
  const [made] = await clean('zigbee2mqtt/kitchen/window', '{"temperature":21.5}', receivedAt)
  expect(made?.cleaned?.units).toEqual({ temperature: '°C' })
})
