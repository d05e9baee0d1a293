// Profiles of devices that speak MQTT themselves: Tasmota, Zigbee2MQTT, Shelly, ESPHome, Home Assistant's statestream,
// OwnTracks, Homie, Victron.

import type { RuleSource } from '../rules/schema.ts'
import { anyTime, type Profile, units, valueRules } from './profile.ts'

/** What a DS18B20 says when it has fallen off, and before its first measurement; in °C and °F. */
const dallasMissing = [-127, 85, -196.6, 185]

const tasmotaUnits: RuleSource['fields'] = {
  'StatusSNS.DS18*.Temperature': { unit_from: 'StatusSNS.TempUnit', missing: dallasMissing },
  'DS18*.Temperature': { unit_from: 'TempUnit', missing: dallasMissing },
  'StatusSNS.*Temperature': { unit_from: 'StatusSNS.TempUnit', missing: [-127] },
  'StatusSNS.*DewPoint': { unit_from: 'StatusSNS.TempUnit' },
  'StatusSNS.*Pressure': { unit_from: 'StatusSNS.PressureUnit' },
  '*Temperature': { unit_from: 'TempUnit', missing: [-127] },
  '*DewPoint': { unit_from: 'TempUnit' },
  '*Pressure': { unit_from: 'PressureUnit' },
  '*SeaPressure': { unit_from: 'PressureUnit' },
  '*PM2.5': { unit: 'µg/m³' },
  ...units({
    '*Humidity': '%',
    '*Illuminance': 'lx',
    '*CarbonDioxide': 'ppm',
    '*eCO2': 'ppm',
    '*TVOC': 'ppb',
    '*ENERGY.Total': 'kWh',
    '*ENERGY.Yesterday': 'kWh',
    '*ENERGY.Today': 'kWh',
    '*ENERGY.Power': 'W',
    '*ENERGY.ApparentPower': 'VA',
    '*ENERGY.ReactivePower': 'var',
    '*ENERGY.Voltage': 'V',
    '*ENERGY.Current': 'A',
    '*ENERGY.Frequency': 'Hz',
    'Wifi.Signal': 'dBm',
    UptimeSec: 's',
    Vcc: 'V',
  }),
}

/** `ENERGY.TotalStartTime` is when the counter was set to 0. */
const tasmotaTime: RuleSource['time'] = [
  { path: 'Epoch', format: 'epoch_s' },
  { path: 'Time' },
  { path: 'StatusSNS.Time' },
  { path: 'StatusSTS.Epoch', format: 'epoch_s' },
  { path: 'StatusSTS.Time' },
  { path: 'StatusTIM.UTC', zone: 'UTC' },
  { path: 'ZbInfo.*.LastSeenEpoch', format: 'epoch_s' },
]

const tasmota: Profile = {
  name: 'tasmota',
  title: 'Tasmota',
  rules: [
    {
      name: 'tasmota',
      topic: ['SENSOR', 'STATE', 'RESULT', 'STATUS7', 'STATUS8', 'STATUS10', 'STATUS11'].flatMap((what) => [
        `tele/+/${what}`,
        `stat/+/${what}`,
        `tele/+/+/${what}`,
        `stat/+/+/${what}`,
      ]),
      tags: { device: -2 },
      time: tasmotaTime,
      fields: tasmotaUnits,
    },
    {
      name: 'tasmota, device first',
      topic: ['SENSOR', 'STATE'].flatMap((what) =>
        ['+', '+/+', '+/+/+', '+/+/+/+'].map((above) => `${above}/tele/${what}`),
      ),
      tags: { device: -3 },
      time: tasmotaTime,
      fields: tasmotaUnits,
    },
    { name: 'tasmota words', topic: ['tele/+/LWT', 'stat/+/POWER', 'stat/+/+'], tags: { device: 2 } },
  ],
}

/** `voltage` is mV of a battery or V of a plug: nobody can tell from the message. */
const zigbeeUnits: RuleSource['fields'] = {
  // 0x8000, 0x7FFF and 0xFFFF of the cluster library stand for no value.
  temperature: { unit: '°C', missing: [-327.68, 327.67] },
  humidity: { unit: '%', missing: [655.35] },
  soil_moisture: { unit: '%', missing: [655.35] },
  battery: { unit: '%', missing: [127.5, 255] },
  pressure: { unit: 'hPa', missing: [-3276.8, 3276.7] },
  ...units({
    local_temperature: '°C',
    device_temperature: '°C',
    soil_temperature: '°C',
    occupied_heating_setpoint: '°C',
    current_heating_setpoint: '°C',
    illuminance_lux: 'lx',
    power: 'W',
    energy: 'kWh',
    current: 'A',
    co2: 'ppm',
    pm25: 'µg/m³',
  }),
}

const zigbee2mqtt: Profile = {
  name: 'zigbee2mqtt',
  title: 'Zigbee2MQTT',
  rules: [
    {
      name: 'zigbee2mqtt health',
      topic: 'zigbee2mqtt/bridge/health',
      time: { path: 'response_time', format: 'epoch_ms' },
    },
    { name: 'zigbee2mqtt bridge', topic: 'zigbee2mqtt/bridge/#' },
    {
      name: 'zigbee2mqtt',
      topic: ['zigbee2mqtt/+', 'zigbee2mqtt/+/availability'],
      tags: { device: 2 },
      time: { path: 'last_seen' },
      fields: zigbeeUnits,
    },
    // Friendly names may have levels.
    {
      name: 'zigbee2mqtt nested',
      topic: ['zigbee2mqtt/+/+', 'zigbee2mqtt/+/+/+', 'zigbee2mqtt/+/+/+/+'],
      time: { path: 'last_seen' },
      fields: zigbeeUnits,
    },
  ],
}

const shellyUnits = units({
  '*apower': 'W',
  '*act_power': 'W',
  '*aprt_power': 'VA',
  '*voltage': 'V',
  '*current': 'A',
  '*freq': 'Hz',
  '*energy.total': 'Wh',
  '*act_energy': 'Wh',
  '*tC': '°C',
  '*tF': '°F',
  '*rh': '%',
  '*rssi': 'dBm',
  '*lux': 'lx',
})

const shellyTags = { device: 2, quantity: -1 }

/** `minute_ts` dates a bucket of energy, `move_started_at` a move: not the sample. */
const shellyTime: RuleSource['time'] = [{ path: 'unixtime' }, { path: 'last_updated_ts' }]

const shelly: Profile = {
  name: 'shelly',
  title: 'Shelly, both generations',
  rules: [
    ...valueRules('shelly', shellyTags, {
      'shellies/+/+/+/power': 'W',
      'shellies/+/+/+/reactive_power': 'var',
      'shellies/+/+/+/voltage': 'V',
      'shellies/+/+/+/current': 'A',
      'shellies/+/emeter/+/total': 'Wh',
      'shellies/+/emeter/+/total_returned': 'Wh',
      'shellies/+/emeter/+/energy': 'Wmin',
      'shellies/+/emeter/+/returned_energy': 'Wmin',
      'shellies/+/relay/+/energy': 'Wmin',
      'shellies/+/voltage': 'V',
      'shellies/+/sensor/humidity': '%',
      'shellies/+/sensor/battery': '%',
      'shellies/+/sensor/lux': 'lx',
    }),
    {
      name: 'shelly temperature',
      topic: ['shellies/+/temperature', 'shellies/+/sensor/temperature', 'shellies/+/ext_temperature/+'],
      tags: shellyTags,
      // No probe, or one that has fallen off.
      fields: { value: { unit: '°C', missing: [999, -127] } },
    },
    {
      name: 'shelly temperature in °F',
      topic: ['shellies/+/temperature_f', 'shellies/+/ext_temperature_f/+'],
      tags: shellyTags,
      fields: { value: { unit: '°F', missing: [999, -196.6] } },
    },
    {
      name: 'shelly probes',
      topic: 'shellies/+/ext_temperatures',
      tags: { device: 2 },
      fields: {
        '*.tC': { unit: '°C', missing: [999, -127] },
        '*.tF': { unit: '°F', missing: [999, -196.6] },
      },
    },
    {
      name: 'shelly status',
      topic: 'shellies/+/status/+',
      tags: { device: 2, component: 4 },
      time: shellyTime,
      fields: shellyUnits,
    },
    { name: 'shelly info', topic: 'shellies/+/info', tags: { device: 2 }, time: { path: 'unixtime' } },
    { name: 'shelly', topic: 'shellies/+/#', tags: { device: 2 } },
    {
      name: 'shelly events',
      topic: ['+/events/rpc', '+/+/events/rpc'],
      tags: { device: -3 },
      // `minute_ts` dates a bucket of energy, not the sample.
      time: { path: 'params.ts', format: 'epoch_s' },
      fields: shellyUnits,
    },
    {
      name: 'shelly components',
      topic: '+/status/+',
      tags: { device: 1, component: 3 },
      // Others have such topics too.
      time: [...shellyTime, ...anyTime],
      fields: shellyUnits,
    },
  ],
}

/** Before ESPHome, whose topics look the same behind the node's name. */
const statestream: Profile = {
  name: 'statestream',
  title: "Home Assistant's statestream",
  rules: [
    {
      name: 'statestream',
      topic: ['homeassistant/+/+/state', 'statestream/+/+/state'],
      tags: { kind: 2, entity: 3 },
      fields: { value: { missing: ['unknown', 'unavailable'] } },
    },
  ],
}

const esphome: Profile = {
  name: 'esphome',
  title: 'ESPHome',
  rules: [
    {
      name: 'esphome',
      topic: [
        'sensor',
        'binary_sensor',
        'switch',
        'text_sensor',
        'number',
        'light',
        'climate',
        'cover',
        'fan',
      ].map((kind) => `+/${kind}/+/state`),
      tags: { device: 1, kind: 2, entity: 3 },
    },
  ],
}

const owntracks: Profile = {
  name: 'owntracks',
  title: 'OwnTracks',
  rules: [
    {
      name: 'owntracks',
      topic: ['owntracks/+/+', 'owntracks/+/+/event', 'owntracks/+/+/step', 'owntracks/+/+/beacon'],
      tags: { user: 2, device: 3 },
      // Of a last will `tst` is when the phone connected, of a waypoint when it was made.
      time: {
        path: 'tst',
        format: 'epoch_s',
        if: { _type: ['location', 'transition', 'steps', 'beacon', 'status'] },
      },
      fields: {
        cog: { unit: '°', missing: [-1] },
        batt: { unit: '%', missing: [-1] },
        vel: { unit: 'km/h', missing: [-1] },
        vac: { unit: 'm', missing: [-1] },
        ...units({ acc: 'm', alt: 'm', p: 'kPa', lat: '°', lon: '°' }),
      },
    },
    { name: 'owntracks metadata', topic: 'owntracks/+/+/#', tags: { user: 2, device: 3 } },
  ],
}

const homie: Profile = {
  name: 'homie',
  title: 'Homie',
  rules: [
    { name: 'homie 5', topic: 'homie/5/+/+/+', tags: { device: 3, node: 4, property: 5 } },
    { name: 'homie 5 device', topic: 'homie/5/+/+', tags: { device: 3 } },
    { name: 'homie', topic: 'homie/+/+/+', tags: { device: 2, node: 3, property: 4 } },
  ],
}

const victronTags = { portal: 2, service: 3, instance: 4 }

const victron: Profile = {
  name: 'victron',
  title: 'Victron Venus OS',
  rules: [
    ...valueRules('victron', victronTags, {
      'N/+/+/+/Ac/Power': 'W',
      'N/+/+/+/Ac/+/Power': 'W',
      'N/+/+/+/Ac/+/+/P': 'W',
      'N/+/+/+/Ac/+/Voltage': 'V',
      'N/+/+/+/Ac/+/Current': 'A',
      'N/+/+/+/Dc/+/Voltage': 'V',
      'N/+/+/+/Dc/+/Current': 'A',
      'N/+/+/+/Dc/+/Power': 'W',
      'N/+/+/+/Dc/+/Temperature': '°C',
      'N/+/+/+/Soc': '%',
      'N/+/+/+/Yield/Power': 'W',
      'N/+/+/+/Temperature': '°C',
      'N/+/+/+/Humidity': '%',
    }),
    { name: 'victron', topic: 'N/+/+/+/#', tags: victronTags },
  ],
}

export const sensors: readonly Profile[] = [
  tasmota,
  zigbee2mqtt,
  shelly,
  statestream,
  esphome,
  owntracks,
  homie,
  victron,
]
