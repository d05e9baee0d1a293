// Messages of devices that are in no collection, as their makers write them: what is a value, what is none, and what is left as text.

import { expect, test } from 'vitest'
import { applier } from '../rules/apply.ts'
import { decodeFields } from '../../../src/ingest/decode/decode.ts'

const receivedAt = Date.parse('2026-11-24T12:00:00Z')
const clean = applier('profiles: all\nzone: Europe/Berlin\n')

interface Expected {
  fields: Record<string, unknown>
  time?: string
  units?: Record<string, string>
}

const devices: [name: string, topic: string, payload: string, expected: Expected][] = [
  [
    'a Tasmota whose DS18B20 has fallen off',
    'tele/x/SENSOR',
    '{"Time":"2026-11-24T12:59:00","DS18B20":{"Id":"0316","Temperature":-127.0},"TempUnit":"C"}',
    {
      fields: { Time: '2026-11-24T12:59:00', 'DS18B20.Id': '0316', TempUnit: 'C' },
      time: '2026-11-24T11:59:00.000Z',
    },
  ],
  [
    'a Shelly of the second generation',
    'shellyplus1pm-a/status/switch:0',
    '{"id":0,"output":false,"apower":0.0,"voltage":231.4,"temperature":{"tC":41.2,"tF":106.1}}',
    {
      fields: {
        id: 0,
        output: false,
        apower: 0,
        voltage: 231.4,
        'temperature.tC': 41.2,
        'temperature.tF': 106.1,
      },
      units: { apower: 'W', voltage: 'V', 'temperature.tC': '°C', 'temperature.tF': '°F' },
    },
  ],
  [
    'a radiator valve that knows no window',
    'zigbee2mqtt/trv',
    '{"child_lock":"UNLOCK","local_temperature":19.8,"position":0,"window_open":null}',
    {
      fields: { child_lock: 'UNLOCK', local_temperature: 19.8, position: 0 },
      units: { local_temperature: '°C' },
    },
  ],
  [
    'rtl_433 in local time',
    'rtl_433/host/events',
    '{"time":"2026-11-24 12:59:59","model":"Nexus-TH","temperature_C":18.4,"humidity":61}',
    {
      fields: { time: '2026-11-24 12:59:59', model: 'Nexus-TH', temperature_C: 18.4, humidity: 61 },
      time: '2026-11-24T11:59:59.000Z',
      units: { temperature_C: '°C', humidity: '%' },
    },
  ],
  ['an ESPHome sensor without a reading', 'esphome/node/sensor/temp/state', 'nan', { fields: {} }],
  [
    'a Victron value that is not known',
    'N/c0619ab2e9c5/battery/256/TimeToGo',
    '{"value":null}',
    { fields: {} },
  ],
  [
    'OwnTracks',
    'owntracks/u/phone',
    '{"_type":"location","batt":85,"tst":1795521580,"vac":-1,"vel":0}',
    {
      fields: { _type: 'location', batt: 85, tst: 1795521580, vel: 0 },
      time: '2026-11-24T11:59:40.000Z',
      units: { batt: '%', vel: 'km/h' },
    },
  ],
  [
    'a Z-Wave value with its time in milliseconds',
    'zwave/node_5/49/0/Air_temperature',
    '{"time":1795521590123,"value":21.4}',
    { fields: { time: 1795521590123, value: 21.4 }, time: '2026-11-24T11:59:50.123Z' },
  ],
  [
    'a Frigate event that has not ended',
    'frigate/events',
    '{"after":{"id":"x","score":0.85,"end_time":null},"type":"new"}',
    { fields: { 'after.id': 'x', 'after.score': 0.85, type: 'new' } },
  ],
]

test.each(devices)('%s', async (_name, topic, text, expected) => {
  const payload = Buffer.from(text)
  const [made] = await clean(topic, payload, receivedAt)
  expect({ ...(made?.fields ?? decodeFields(topic, payload)) }).toEqual(expected.fields)
  expect(made?.time).toBe(expected.time === undefined ? receivedAt : Date.parse(expected.time))
  expect({ ...made?.cleaned?.units }).toMatchObject(expected.units ?? {})
})

test.each([
  ['21.5;48;1013', { 0: 21.5, 1: 48, 2: 1013 }],
  ['21.5,48.2', { 0: 21.5, 1: 48.2 }],
  ['1,234.5', { value: '1,234.5' }],
  ['12,345.67', { value: '12,345.67' }],
  ['1,234,567', { value: '1,234,567' }],
  ['12,5', { value: '12,5' }],
  ['1.234,5', { value: '1.234,5' }],
  ['007', { value: '007' }],
  ['0x1F', { value: '0x1F' }],
  ['1_000', { value: '1_000' }],
  [' +5\r\n', { value: 5 }],
  ['12.3 °C', { value: 12.3 }],
  ['56 %', { value: 56 }],
  ['unavailable', { value: 'unavailable' }],
  ['temp=21.5 hum=48', { temp: 21.5, hum: 48 }],
  ['01 03 04 00 FA 01 23 7B 9C', { value: '01 03 04 00 FA 01 23 7B 9C' }],
  ['{"t":"21.5","h":"NaN","x":"unavailable"}', { t: '21.5', x: 'unavailable' }],
  ['{"t":NaN,"u":Infinity}', {}],
  ["{'t':21.5}", {}],
  ['NaN', {}],
  ['null', {}],
])('the bare payload %j is %j', (text, fields) => {
  expect({ ...decodeFields('a', Buffer.from(text)) }).toEqual(fields)
})
