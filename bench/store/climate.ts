// The data of the store benchmark, the same in every process and run: devices that send temperature and humidity, each a
// random walk in tenths, every 1 to 10 seconds; all readings in the order of their times.

export interface Climate {
  topics: number
  /** Readings. */
  count: number
  /** Milliseconds since 1970. */
  times: Float64Array
  devices: Uint32Array
  /** Tenths. */
  temperatures: Int16Array
  humidities: Int16Array
}

export interface ClimateSize {
  topics: number
  readings: number
  /** Devices send so many times less often. */
  slower?: number
}

export const climateStart = Date.UTC(2025, 0, 1)
/** Devices a key of the sort has room for. */
const devicesMax = 2 ** 17

export const topicName = (device: number): string => `site/${device % 20}/device-${device}/climate`

export function createClimate({ topics, readings, slower = 1 }: ClimateSize): Climate {
  const each = Math.floor(readings / topics)
  const count = each * topics
  const random = createRandom(0x12345678)
  const keys = new Float64Array(count)
  const temperatures = new Int16Array(count)
  const humidities = new Int16Array(count)
  for (let device = 0; device < topics; device++) {
    let time = Math.floor(random() * 5000)
    let t = 180 + Math.floor(random() * 80)
    let h = 300 + Math.floor(random() * 400)
    for (let i = device * each; i < (device + 1) * each; i++) {
      time += (1000 + Math.floor(random() * 9000)) * slower
      t = within(t + step(random, 3), -100, 450)
      h = within(h + step(random, 4), 0, 1000)
      keys[i] = time * devicesMax + device
      temperatures[i] = t
      humidities[i] = h
    }
  }
  return inOrder(topics, each, { keys, temperatures, humidities })
}

type Walks = Pick<Climate, 'temperatures' | 'humidities'> & { keys: Float64Array }

function inOrder(topics: number, each: number, walks: Walks): Climate {
  const sorted = walks.keys.sort()
  const count = sorted.length
  const next = Float64Array.from({ length: topics }, (_, device) => device * each)
  const climate: Climate = {
    topics,
    count,
    times: new Float64Array(count),
    devices: new Uint32Array(count),
    temperatures: new Int16Array(count),
    humidities: new Int16Array(count),
  }
  for (let i = 0; i < count; i++) {
    const device = sorted[i]! % devicesMax
    const from = next[device]!++
    climate.times[i] = climateStart + Math.floor(sorted[i]! / devicesMax)
    climate.devices[i] = device
    climate.temperatures[i] = walks.temperatures[from]!
    climate.humidities[i] = walks.humidities[from]!
  }
  return climate
}

/** Exclusive end of the times. */
export const endOf = ({ times, count }: Climate): number => times[count - 1]! + 1

const step = (random: () => number, size: number): number =>
  Math.round((random() + random() + random() - 1.5) * size)

const within = (value: number, least: number, most: number): number =>
  value < least ? 2 * least - value : value > most ? 2 * most - value : value

/** mulberry32: small, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
