// What devices say of their fields: discovery messages as they are sent, and what templates leave of a value.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDescriptions } from '../../../src/ingest/describe/descriptions.ts'
import { fieldOf } from '../../../src/ingest/describe/homeAssistant.ts'

const config = { home_assistant: 'homeassistant', homie: 'homie', fields: 1000 }
const told = (messages: readonly (readonly [string, unknown])[], options = config) => {
  const descriptions = createDescriptions(options)
  descriptions.restore([])
  for (const [topic, payload] of messages) {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
    descriptions.observe({ topic, payload: Buffer.from(text) })
  }
  return (topic: string) => Object.fromEntries(descriptions.of(topic) ?? [])
}

test('Tasmota, with a base topic and abbreviated names', () => {
  const of = told([
    [
      'homeassistant/sensor/522851_ENERGY_Today/config',
      {
        name: 'Tasmota ENERGY Today',
        stat_t: '~SENSOR',
        '~': 'tasmota01/tele/',
        unit_of_meas: 'kWh',
        val_tpl: "{{value_json['ENERGY'].Today}}",
        dev_cla: 'power',
      },
    ],
  ])
  expect(of('tasmota01/tele/SENSOR')).toEqual({
    'ENERGY.Today': { title: 'Tasmota ENERGY Today', unit: 'kWh', kind: 'power' },
  })
})

test('Zigbee2MQTT and ESPHome: many entities of one topic, bare payloads, names of the device', () => {
  const of = told([
    [
      'homeassistant/sensor/0x00158d/temperature/config',
      {
        state_topic: 'zigbee2mqtt/hall',
        value_template: '{{ value_json.temperature }}',
        unit_of_measurement: '°C',
        device_class: 'temperature',
        device: { name: 'hall' },
      },
    ],
    [
      'homeassistant/sensor/0x00158d/linkquality/config',
      {
        name: 'Linkquality',
        state_topic: 'zigbee2mqtt/hall',
        value_template: '{{ value_json["linkquality"] | int }}',
        unit_of_measurement: 'lqi',
      },
    ],
    [
      'homeassistant/binary_sensor/door/config',
      { name: null, stat_t: 'esp/door/state', dev: { name: 'Door' } },
    ],
  ])
  expect(of('zigbee2mqtt/hall')).toEqual({
    temperature: { title: 'hall', unit: '°C', kind: 'temperature' },
    linkquality: { title: 'Linkquality', unit: 'lqi', kind: 'sensor' },
  })
  expect(of('esp/door/state')).toEqual({ value: { title: 'Door', kind: 'binary_sensor' } })
})

test('a device with its components in one message, sharing a topic', () => {
  const of = told([
    [
      'homeassistant/device/0AFFD2/config',
      {
        dev: { ids: 'ea334450945afc', name: 'Kitchen' },
        o: { name: 'bla2mqtt' },
        cmps: {
          one: {
            p: 'sensor',
            device_class: 'temperature',
            unit_of_measurement: 'C',
            value_template: '{{ value_json.temperature }}',
          },
          two: { p: 'sensor', unit_of_meas: '%', val_tpl: '{{ value_json.humidity }}', name: 'Humidity' },
          gone: { p: 'sensor' },
          odd: 5,
        },
        state_topic: '~/state',
        '~': 'kitchen',
      },
    ],
  ])
  expect(of('kitchen/state')).toEqual({
    temperature: { title: 'Kitchen', unit: '°C', kind: 'temperature' },
    humidity: { title: 'Humidity', unit: '%', kind: 'sensor' },
    value: { title: 'Kitchen', kind: 'sensor' },
  })
})

test.each([
  ['{{ value_json.temperature }}', 'temperature'],
  ['{{value_json.a.b_c}}', 'a.b_c'],
  ["{{ value_json['StatusSNS']['AM2301'].Temperature }}", 'StatusSNS.AM2301.Temperature'],
  ['{{ value_json["a b"] | float | round(1) }}', 'a b'],
  ['{{- value_json.x | default(0) -}}', 'x'],
  ['{{ value_json.sensors[0].t }}', 'sensors.0.t'],
  ['{{ value }}', 'value'],
  ['{{ value | float(0) }}', 'value'],
  [undefined, 'value'],
  ['{{ value_json.temperature / 10 }}', null],
  ['{{ (value_json.temperature * 1.8) + 32 }}', null],
  ["{{ 'ON' if value_json.contact else 'OFF' }}", null],
  ['{% if value_json.x %}1{% endif %}', null],
  ['{{ value_json.x | multiply(2) }}', null],
  ['{{ value_json }}', null],
  ['{{ value_json.a }} {{ value_json.b }}', null],
  ['{{ states("sensor.x") }}', null],
])('the template %s is the field %s', (template, field) => {
  expect(fieldOf(template)).toBe(field)
})

test('Homie 3 and 4 by attributes, Homie 5 by its description', () => {
  const of = told([
    ['homie/kitchen/dht/temperature/$name', 'Kitchen temperature'],
    ['homie/kitchen/dht/temperature/$unit', 'ºC'],
    ['homie/kitchen/dht/temperature/$datatype', 'float'],
    ['homie/kitchen/dht/temperature/$settable', 'false'],
    ['homie/kitchen/dht/temperature', '21.5'],
    ['homie/kitchen/$name', 'Kitchen'],
    [
      'homie/5/pump/$description',
      {
        homie: '5.0',
        nodes: {
          motor: { properties: { speed: { name: 'Speed', datatype: 'integer', unit: 'rpm' }, bare: {} } },
          empty: {},
        },
      },
    ],
  ])
  expect(of('homie/kitchen/dht/temperature')).toEqual({
    value: { title: 'Kitchen temperature', unit: '°C', kind: 'float' },
  })
  expect(of('homie/5/pump/motor/speed')).toEqual({ value: { title: 'Speed', unit: 'rpm', kind: 'integer' } })
  expect(of('homie/5/pump/motor/bare')).toEqual({})
})

test('a later message replaces what the one before said, and an empty one takes it away', () => {
  const message = (unit: string) =>
    ['homeassistant/sensor/a/config', { stat_t: 'a', unit_of_meas: unit }] as const
  expect(told([message('V'), message('A')])('a')).toEqual({ value: { unit: 'A', kind: 'sensor' } })
  expect(told([message('V'), ['homeassistant/sensor/a/config', '']])('a')).toEqual({})
  expect(told([message('V'), ['homeassistant/sensor/a/config', '{broken']])('a')).toEqual({})
})

test('what was observed goes before what is restored, also that it was taken away', () => {
  const descriptions = createDescriptions(config)
  const say = (topic: string, unit: string) => ({
    topic: `homeassistant/sensor/${topic}/config`,
    payload: Buffer.from(unit === '' ? '' : JSON.stringify({ stat_t: topic, unit_of_meas: unit })),
  })
  descriptions.observe(say('a', 'V'))
  descriptions.observe(say('b', ''))
  descriptions.restore([say('a', 'A'), say('b', 'A'), say('c', 'A')])
  expect(['a', 'b', 'c'].map((topic) => descriptions.of(topic)?.get('value')?.unit)).toEqual([
    'V',
    undefined,
    'A',
  ])
})

test('it is bounded, and nothing a message holds is a fault', () => {
  const many = Array.from(
    { length: 50 },
    (_, n) => [`homeassistant/sensor/s${n}/config`, { stat_t: `t${n}` }] as const,
  )
  const of = told(many, { ...config, fields: 10 })
  expect(many.filter((_one, n) => of(`t${n}`)['value'] !== undefined)).toHaveLength(10)
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('__proto__', 'constructor', '~', 'a/#', '{{ value_json.__proto__ }}'),
  )
  const keys = fc.constantFrom(
    '~',
    'stat_t',
    'state_topic',
    'name',
    'dev',
    'device',
    'cmps',
    'components',
    'p',
    'val_tpl',
    'unit_of_meas',
    'nodes',
    'properties',
    '__proto__',
  )
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.integer(),
      fc.constant(null),
      fc.dictionary(keys, tie('node')),
      fc.array(tie('node'), { maxLength: 3 }),
    ),
  })).node
  fc.assert(
    fc.property(
      fc.constantFrom(
        'homeassistant/sensor/x/config',
        'homeassistant/device/x/config',
        'homie/5/x/$description',
        'homie/a/b/c/$unit',
      ),
      tree,
      (topic, payload) => {
        told([[topic, payload]])('t')
      },
    ),
    { numRuns: 2000 },
  )
})
