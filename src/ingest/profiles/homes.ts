// Profiles of software around the house and the plant whose messages say when: Frigate, OctoPrint, thin-edge, Neuron, Siemens, smarthome,
// Z-Wave JS, Meshtastic, Signal K, Domoticz.

import type { RuleSource } from '../rules/schema.ts'
import { anyMissing, anyTime, noTemperature, type Profile, units } from './profile.ts'

const one = (name: string, title: string, ...rules: RuleSource[]): Profile => ({ name, title, rules })

export const homes: readonly Profile[] = [
  one(
    'frigate',
    'Frigate',
    // `before` is what was; start_time is when the event began.
    {
      name: 'frigate events',
      topic: 'frigate/events',
      time: { path: 'after.frame_time', format: 'epoch_s' },
    },
    {
      name: 'frigate',
      topic: 'frigate/tracked_object_update',
      time: { path: 'timestamp', format: 'epoch_s' },
    },
    { name: 'frigate stats', topic: 'frigate/stats', time: { path: 'service.last_updated' } },
  ),
  one('octoprint', 'OctoPrint', {
    name: 'octoprint',
    topic: ['octoPrint/#', 'octoprint/#', '+/temperature/bed', '+/temperature/+'],
    time: [{ path: '_timestamp', format: 'epoch_s' }, ...anyTime],
    fields: units({ actual: '°C', target: '°C' }),
  }),
  one('thinedge', 'thin-edge.io', { name: 'thin-edge', topic: 'te/+/+/+/+/#', time: { path: 'time' } }),
  one('neuron', 'Neuron', {
    name: 'neuron',
    topic: ['/neuron/#', 'neuron/#'],
    time: { path: 'timestamp', format: 'epoch_ms' },
  }),
  one('siemens', 'Siemens Industrial Edge', {
    name: 'siemens',
    topic: 'ie/#',
    time: [{ path: 'vals.0.ts' }, { path: 'ts' }],
    samples: true,
  }),
  // ts is when it was obtained, lc when it last changed.
  one('smarthome', 'mqtt-smarthome', {
    name: 'smarthome',
    topic: '+/status/+/#',
    time: [{ path: 'ts', format: 'epoch_ms' }, ...anyTime],
  }),
  one('zwavejs', 'Z-Wave JS UI', {
    name: 'zwave',
    topic: 'zwave/#',
    time: { path: 'time', format: 'epoch_ms' },
  }),
  one('meshtastic', 'Meshtastic', {
    name: 'meshtastic',
    topic: 'msh/+/+/json/#',
    tags: { region: 2 },
    time: { path: 'timestamp', format: 'epoch_s' },
    fields: units({
      rssi: 'dBm',
      snr: 'dB',
      'payload.temperature': '°C',
      'payload.voltage': 'V',
      'payload.battery_level': '%',
    }),
  }),
  one('signalk', 'Signal K', {
    name: 'signal k',
    topic: ['vessels/+/#', 'signalk/#'],
    time: [
      { path: 'updates.0.timestamp' },
      {
        path: 'updates.0.values.0.value',
        if: { 'updates.0.values.0.path': ['navigation.datetime', 'position.timestamp'] },
      },
    ],
  }),
  one('domoticz', 'Domoticz', {
    name: 'domoticz',
    topic: ['domoticz/out', 'domoticz/out/#'],
    time: [{ path: 'LastUpdate' }],
  }),
  one('emsesp', 'EMS-ESP', {
    name: 'ems-esp',
    topic: 'ems-esp/#',
    time: [...anyTime],
    // 0x7FFF, 0x8000 and 0xFFFF, in tenths too: no sensor.
    fields: { '*temp*': { missing: [3276.7, -3276.8, 3200, 6553.5, 32_767, -32_768, 65_535] } },
  }),
  one('airgradient', 'AirGradient', {
    name: 'airgradient',
    topic: 'airgradient/readings/+',
    tags: { device: 3 },
    // A sensor that is not there.
    fields: {
      rco2: { unit: 'ppm', missing: [-1] },
      atmp: { unit: '°C', missing: [-1000] },
      rhum: { unit: '%', missing: [-1] },
      ...Object.fromEntries(
        ['pm01', 'pm02', 'pm10'].map((field) => [field, { unit: 'µg/m³', missing: [-1] }]),
      ),
    },
  }),
  one('heishamon', 'HeishaMon', {
    name: 'heishamon probes',
    topic: 'panasonic_heat_pump/1wire/+',
    // A DS18B20 that has fallen off, and before its first measurement.
    fields: { value: { unit: '°C', missing: [-127, 85] } },
  }),
  // Last, for every topic; `#` is of none that begins with a dollar sign [MQTT-4.7.2-1].
  one(
    'timestamps',
    'Anything that says when',
    {
      name: 'temperatures',
      topic: ['temperature', 'Temperature', 'temp'].flatMap((what) =>
        ['', '+/', '+/+/', '+/+/+/', '+/+/+/+/', '+/+/+/+/+/'].map((above) => `${above}${what}`),
      ),
      also: true,
      fields: { value: { missing: noTemperature } },
    },
    {
      name: 'timestamps',
      topic: ['#', '$aws/#', '$oc/#', '$thing/#', '$iothub/#', '$dps/#', '$hw/#', '$sys/#'],
      time: [...anyTime],
      samples: true,
      parse_json: ['*'],
      fields: anyMissing,
    },
  ),
]
