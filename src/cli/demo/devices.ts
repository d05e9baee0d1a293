// The devices that `amber demo` plays, with the topics and payloads of the real ones, faults included: a sensor that says NaN
// or 85 °C, a clock that was never set, 65535 for nothing.

import { bustle, chance, dayMs, drift, hourOf, round, sun, warmth } from './curve.ts'

export interface DemoMessage {
  topic: string
  payload: string
  retain?: true
}

export interface Device {
  /** The client that speaks for it: a gateway speaks for many. */
  clientId: string
  everyMs: number
  /** What it sends at a time; mostly one message, or none. */
  at: (time: number) => DemoMessage[]
}

export interface DemoClient {
  id: string
  protocolVersion: 4 | 5
  /** Its topic and texts for being there and being gone. */
  status: { topic: string; online: string; offline: string } | null
}

const rooms = ['living_room', 'kitchen', 'bedroom', 'bathroom', 'nursery', 'office', 'hallway', 'cellar']
const minuteMs = 60_000

/** `climates`: how many climate sensors there are; the other devices are the same few. */
export function createDevices(climates: number): { clients: DemoClient[]; devices: Device[] } {
  const plugs = [
    { name: 'fridge', id: 'A1B2C3', watts: 85 },
    { name: 'washer', id: 'D4E5F6', watts: 1900 },
    { name: 'desk', id: '7A8B9C', watts: 120 },
  ]
  const gateway: DemoClient = {
    id: 'zigbee2mqtt',
    protocolVersion: 5,
    status: {
      topic: 'zigbee2mqtt/bridge/state',
      online: '{"state":"online"}',
      offline: '{"state":"offline"}',
    },
  }
  return {
    clients: [
      gateway,
      ...plugs.map(({ name, id }): DemoClient => {
        const status = { topic: `tele/${name}/LWT`, online: 'Online', offline: 'Offline' }
        return { id: `DVES_${id}`, protocolVersion: 4, status }
      }),
      {
        id: 'esphome-greenhouse',
        protocolVersion: 4,
        status: { topic: 'greenhouse/status', online: 'online', offline: 'offline' },
      },
      { id: 'solar-gateway', protocolVersion: 5, status: null },
      { id: 'owntracks-anna', protocolVersion: 4, status: null },
    ],
    devices: [
      ...Array.from({ length: climates }, (_one, index) => climate(index)),
      doorContact(),
      ...plugs.map((plug, index) => tasmotaPlug(plug, index)),
      greenhouse(),
      inverter(),
      phone(),
    ],
  }
}

/** As Zigbee2MQTT publishes an Aqara WSDCGQ11LM. Now and then one has a value that is none. */
function climate(index: number): Device {
  const room = rooms[index % rooms.length] ?? ''
  const name = index < rooms.length ? room : `${room}_${Math.floor(index / rooms.length) + 1}`
  const seed = 100 + index
  const base = room === 'cellar' ? 14 : room === 'bathroom' ? 22.5 : 19.5 + chance(seed, 1) * 2
  return {
    clientId: 'zigbee2mqtt',
    everyMs: 15_000,
    at(time) {
      const temperature = base + warmth(time) * 1.4 + drift(seed, time, 90 * minuteMs) * 0.8
      const humidity = 46 - warmth(time) * 5 + drift(seed + 1, time, 45 * minuteMs) * 6
      const odd = room === 'bathroom' && chance(seed, Math.floor(time / minuteMs)) < 0.02
      const values = [
        `"battery":${Math.round(100 - chance(seed, 2) * 40)}`,
        `"humidity":${odd ? 'NaN' : round(humidity, 2)}`,
        `"linkquality":${Math.round(120 + drift(seed + 2, time, 20 * minuteMs) * 60)}`,
        `"pressure":${round(1013 + drift(7, time, dayMs / 2) * 12, 1)}`,
        `"temperature":${round(temperature, 2)}`,
        `"voltage":${Math.round(2985 + drift(seed + 3, time, dayMs) * 40)}`,
      ]
      return [{ topic: `zigbee2mqtt/${name}`, payload: `{${values.join(',')}}` }]
    },
  }
}

/** Opens when people come and go; says so twice, as such contacts do. */
function doorContact(): Device {
  const everyMs = 2 * minuteMs
  const isOpen = (slot: number): boolean => chance(55, slot) < bustle(slot * everyMs) * 0.25
  return {
    clientId: 'zigbee2mqtt',
    everyMs,
    at(time) {
      const slot = Math.floor(time / everyMs)
      if (isOpen(slot) === isOpen(slot - 1)) return []
      const payload = `{"battery":91,"contact":${!isOpen(slot)},"linkquality":${Math.round(90 + drift(56, time, 600_000) * 30)}}`
      return [{ topic: 'zigbee2mqtt/front_door', payload, retain: true }]
    },
  }
}

/** As Tasmota sends its sensors. The washer has lost its clock now and then; the fridge has a DS18B20 that says 85 when it starts. */
function tasmotaPlug({ name, watts }: { name: string; watts: number }, index: number): Device {
  const seed = 200 + index
  const load = (time: number): number => {
    if (name === 'fridge')
      return drift(seed, time, 25 * minuteMs) > 0
        ? watts * (0.9 + chance(seed, Math.floor(time / minuteMs)) * 0.2)
        : 1.2
    if (name === 'washer')
      return chance(seed, Math.floor(time / (90 * minuteMs))) < bustle(time) * 0.5
        ? watts * Math.abs(drift(seed, time, 12 * minuteMs))
        : 0.6
    return hourOf(time) > 8 && hourOf(time) < 19 ? watts * (0.6 + drift(seed, time, 30 * minuteMs) * 0.3) : 4
  }
  return {
    clientId: `DVES_${['A1B2C3', 'D4E5F6', '7A8B9C'][index]}`,
    everyMs: 10_000,
    at(time) {
      const power = Math.round(load(time))
      const voltage = Math.round(231 + drift(9, time, 15 * minuteMs) * 4)
      const lostClock = name === 'washer' && chance(seed + 5, Math.floor(time / minuteMs)) < 0.01
      const clock = lostClock ? '1970-01-01T00:00:42' : localClock(time)
      const total = round(100 + ((time % (365 * dayMs)) / dayMs) * (watts / 400), 3)
      const energy = {
        TotalStartTime: '2025-01-01T00:00:00',
        Total: total,
        Today: round((watts / 400) * (hourOf(time) / 24), 3),
        Power: power,
        ApparentPower: Math.round(power * 1.08),
        Factor: power > 5 ? 0.93 : 0,
        Voltage: voltage,
        Current: round((power * 1.08) / voltage, 3),
      }
      const cold =
        chance(seed + 7, Math.floor(time / minuteMs)) < 0.01
          ? 85
          : round(4.5 + drift(seed + 8, time, 25 * minuteMs) * 1.5, 1)
      const probe =
        name === 'fridge' ? { DS18B20: { Id: '01144A8B2C', Temperature: cold }, TempUnit: 'C' } : {}
      return [
        { topic: `tele/${name}/SENSOR`, payload: JSON.stringify({ Time: clock, ENERGY: energy, ...probe }) },
      ]
    },
  }
}

/** As ESPHome publishes: one bare value a topic, nan while a sensor is not there. */
function greenhouse(): Device {
  return {
    clientId: 'esphome-greenhouse',
    everyMs: 10_000,
    at(time) {
      const isGone = chance(301, Math.floor(time / (10 * minuteMs))) < 0.02
      const temperature = 11 + sun(time) * 15 + drift(302, time, 20 * minuteMs) * 1.2
      const soil = 38 + drift(303, time, dayMs) * 9
      return [
        { topic: 'greenhouse/sensor/temperature/state', payload: isGone ? 'nan' : temperature.toFixed(1) },
        { topic: 'greenhouse/sensor/soil_moisture/state', payload: soil.toFixed(0) },
      ]
    },
  }
}

/** A solar inverter over Modbus: 65535 stands for nothing while it sleeps. */
function inverter(): Device {
  return {
    clientId: 'solar-gateway',
    everyMs: 5000,
    at(time) {
      const clouds = 0.62 + drift(400, time, 8 * minuteMs) * 0.38
      const power = Math.round(6200 * sun(time) * clouds)
      const isAsleep = power < 20
      const payload = {
        state: isAsleep ? 'sleeping' : 'producing',
        ac: {
          power_w: isAsleep ? 0 : power,
          voltage_v: isAsleep ? 65535 : round(231 + drift(9, time, 15 * minuteMs) * 4, 1),
          frequency_hz: isAsleep ? 65535 : round(50 + drift(401, time, 30_000) * 0.03, 2),
        },
        dc: { voltage_v: isAsleep ? 0 : Math.round(560 + drift(402, time, 5 * minuteMs) * 40) },
        temperature_c: isAsleep ? 65535 : round(24 + sun(time) * 22, 1),
        energy_today_kwh: round(
          24 * (1 - Math.cos(Math.min(1, Math.max(0, (hourOf(time) - 6.5) / 13)) * Math.PI)) * 0.5,
          2,
        ),
      }
      return [{ topic: 'solar/inverter', payload: JSON.stringify(payload) }]
    },
  }
}

/** OwnTracks on a phone that goes to work and back. */
function phone(): Device {
  const home = { lat: 52.5301, lon: 13.4012 }
  const work = { lat: 52.4921, lon: 13.3569 }
  return {
    clientId: 'owntracks-anna',
    everyMs: 30_000,
    at(time) {
      const hour = hourOf(time)
      const way = Math.min(1, Math.max(0, (hour - 8) / 0.7)) - Math.min(1, Math.max(0, (hour - 17) / 0.8))
      const isMoving = way > 0.01 && way < 0.99
      const jitter = isMoving ? 0.0004 : 0.00004
      const payload = {
        _type: 'location',
        tid: 'an',
        lat: round(home.lat + (work.lat - home.lat) * way + drift(500, time, minuteMs) * jitter, 5),
        lon: round(home.lon + (work.lon - home.lon) * way + drift(501, time, minuteMs) * jitter, 5),
        acc: isMoving ? 8 : 16,
        vel: isMoving ? Math.round(32 + drift(502, time, 2 * minuteMs) * 14) : 0,
        batt: Math.round(100 - ((hour + 18) % 24) * 3.2),
        tst: Math.floor(time / 1000),
      }
      return [{ topic: 'owntracks/anna/phone', payload: JSON.stringify(payload) }]
    },
  }
}

/** As Tasmota writes its clock: local, without a zone. */
function localClock(time: number): string {
  const date = new Date(time)
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
