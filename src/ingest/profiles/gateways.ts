// Profiles of gateways that speak for other devices: Theengs and OpenMQTTGateway, rtl_433, wmbusmeters, AMS readers, Sparkplug B.

import type { RuleSource } from '../rules/schema.ts'
import { anyTime, type Profile, units } from './profile.ts'

/** The largest number of RuuviTag's format stands for none. */
const theengsFields: RuleSource['fields'] = {
  tempc: { unit: '°C', missing: [163.835] },
  tempf: { unit: '°F', missing: [326.903] },
  hum: { unit: '%', missing: [163.835] },
  pres: { unit: 'hPa', missing: [1155.34] },
  weight: { unit_from: 'unit' },
  avg: { unit_from: 'avgu' },
  sum: { unit_from: 'sumu' },
  ...units({
    rssi: 'dBm',
    txpower: 'dBm',
    volt: 'V',
    batt: '%',
    lux: 'lx',
    moi: '%',
    fer: 'µS/cm',
    current: 'A',
    power: 'W',
    energy: 'kWh',
    pm25: 'µg/m³',
    co2: 'ppm',
  }),
}

const theengs: Profile = {
  name: 'theengs',
  title: 'Theengs and OpenMQTTGateway',
  rules: [
    {
      name: 'theengs',
      topic: ['home/+/BTtoMQTT/+', 'home/+/+/+/BTtoMQTT/+'],
      tags: { gateway: -3, device: -1 },
      time: [...anyTime],
      fields: theengsFields,
    },
    {
      name: 'theengs presence',
      topic: 'home/home_presence/+',
      tags: { gateway: 3 },
      time: [...anyTime],
      fields: theengsFields,
    },
  ],
}

const rtlUnits = units({
  '*temperature_C': '°C',
  '*temperature_F': '°F',
  '*temperature_1_C': '°C',
  '*temperature_2_C': '°C',
  '*humidity': '%',
  '*moisture': '%',
  '*pressure_hPa': 'hPa',
  '*pressure_kPa': 'kPa',
  '*_km_h': 'km/h',
  '*_m_s': 'm/s',
  '*_mi_h': 'mph',
  '*rain_mm': 'mm',
  '*_dir_deg': '°',
  '*power_W': 'W',
  '*current_A': 'A',
  '*voltage_V': 'V',
  '*energy_kWh': 'kWh',
  '*light_lux': 'lx',
  '*battery_mV': 'mV',
  '*battery_V': 'V',
})

const rtl433: Profile = {
  name: 'rtl_433',
  title: 'rtl_433',
  rules: [
    // A time that counts from the start of a recording (@0.5s) is none.
    {
      name: 'rtl_433',
      topic: ['rtl_433/+/events', 'RTL_433/JSON', 'rtl_433/+/+', 'home/+/RTL_433toMQTT/#'],
      time: { path: 'time' },
      fields: rtlUnits,
    },
    { name: 'rtl_433 time', topic: 'rtl_433/+/devices/+/+/time', time: { path: 'value' } },
    ...['temperature_C:°C', 'temperature_F:°F', 'humidity:%', 'pressure_hPa:hPa'].map((pair): RuleSource => {
      const [field = '', unit = ''] = pair.split(':')
      return {
        name: `rtl_433 ${field}`,
        topic: [
          `rtl_433/+/devices/+/+/${field}`,
          `rtl_433/+/devices/+/+/+/${field}`,
          `+/rtl_433/+/+/${field}`,
        ],
        fields: { value: { unit } },
      }
    }),
  ],
}

const meters: Profile = {
  name: 'meters',
  title: 'wmbusmeters and AMS readers',
  rules: [
    {
      name: 'wmbusmeters',
      topic: ['wmbusmeters/+', 'wmbusmeters/+/+'],
      tags: { meter: -1 },
      // target_date and meter_date are days of the meter, not of the reading.
      time: [{ path: 'timestamp' }, { path: '4' }],
      fields: units({
        '*_m3': 'm³',
        '*_kwh': 'kWh',
        '*_kw': 'kW',
        '*_c': '°C',
        '*_m3h': 'm³/h',
        '*_dbm': 'dBm',
        '*_rh': '%',
        '*_v': 'V',
      }),
    },
    {
      name: 'ams reader',
      topic: ['amsreader/+', 'amsleser', 'amsleser/+'],
      // realtime.t is a number of something else.
      time: { path: 't', format: 'epoch_s' },
      fields: {
        temp: { unit: '°C', missing: [-127] },
        ...units({
          vcc: 'V',
          rssi: 'dBm',
          'data.P': 'W',
          'data.PO': 'W',
          'data.Q': 'var',
          'data.QO': 'var',
          'data.I1': 'A',
          'data.I2': 'A',
          'data.I3': 'A',
          'data.U1': 'V',
          'data.U2': 'V',
          'data.U3': 'V',
        }),
      },
    },
  ],
}

const sparkplug: Profile = {
  name: 'sparkplug',
  title: 'Sparkplug B',
  rules: [{ name: 'sparkplug', topic: 'spBv1.0/#', tags: { group: 2, message: 3, edge: 4, device: 5 } }],
}

export const gateways: readonly Profile[] = [theengs, rtl433, meters, sparkplug]
