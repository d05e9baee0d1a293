// Profiles of LoRaWAN networks: ChirpStack, The Things Stack, ThingPark. The time of an uplink is when the network heard it; counters of
// concentrators are called `timestamp` and are none.

import type { RuleSource } from '../rules/schema.ts'
import { anyTime, type Profile, units } from './profile.ts'

const signal: RuleSource['fields'] = {
  // Dragino: no probe, 0x7FFF or 0x8000 hundredths or tenths.
  '*TempC*': { unit: '°C', missing: [327.67, 327.6, -327.68, -327.6, 3276.7, -3276.8, '327.67', '-327.68'] },
  ...units({
    '*BatV': 'V',
    '*Hum_SHT': '%',
    '*rssi': 'dBm',
    '*channel_rssi': 'dBm',
    '*loRaSNR': 'dB',
    '*snr': 'dB',
    '*LrrRSSI': 'dBm',
  }),
}

const chirpstack: Profile = {
  name: 'chirpstack',
  title: 'ChirpStack',
  rules: [
    {
      name: 'chirpstack',
      topic: 'application/+/device/+/event/+',
      tags: { application: 2, device: 4, event: 6 },
      time: ['time', 'rxInfo.0.time', 'rxInfo.0.gwTime', 'rxInfo.0.nsTime', 'publishedAt'].map((path) => ({
        path,
      })),
      // Of version 3, where the server is told to marshal so.
      parse_json: ['objectJSON'],
      fields: { ...signal, ...units({ batteryLevel: '%' }) },
    },
    {
      name: 'chirpstack gateway',
      topic: ['gateway/+/event/+', '+/gateway/+/event/+'],
      tags: { gateway: -3, event: -1 },
      time: ['time', 'rxInfo.time', 'rxInfo.gwTime', 'rxInfo.nsTime'].map((path) => ({ path })),
      fields: signal,
    },
  ],
}

const thethingsstack: Profile = {
  name: 'thethingsstack',
  title: 'The Things Stack',
  rules: [
    {
      name: 'the things stack',
      topic: ['v3/+/devices/+/#', 'base-topic/#'],
      tags: { application: 2, device: 4 },
      time: [{ path: 'uplink_message.received_at' }, { path: 'received_at' }],
      fields: signal,
    },
    {
      name: 'the things network',
      topic: '+/devices/+/up',
      tags: { application: 1, device: 3 },
      time: [{ path: 'metadata.time' }, ...anyTime],
      fields: signal,
    },
  ],
}

const thingpark: Profile = {
  name: 'thingpark',
  title: 'ThingPark',
  rules: [
    {
      name: 'thingpark',
      topic: ['OSI/+/uplink', '+/+/uplink'],
      tags: { device: 2 },
      time: [{ path: 'DevEUI_uplink.Time' }, ...anyTime],
      fields: signal,
    },
  ],
}

export const lora: readonly Profile[] = [chirpstack, thethingsstack, thingpark]
