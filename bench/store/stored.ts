// The store under measurement, opened as the server opens it, and what the stages of the benchmark share.

import { createLog } from '../../src/ops/log.ts'
import { openStore } from '../../src/store/open.ts'
import type { Appended, ReadingStore } from '../../src/store/store.ts'
import { type Climate, topicName } from './climate.ts'

export interface StoreOptions {
  path: string
  memory: 'normal' | 'small'
  durability: 'fsync' | 'os' | 'async'
}

export function openMeasured({ path, memory, durability }: StoreOptions): Promise<ReadingStore> {
  const log = createLog({ level: 'warn', format: 'text' })
  return openStore(
    {
      engine: 'leveldb',
      path,
      durability,
      max_pending_bytes: 64 * 2 ** 20,
      max_bytes: 0,
      retention: () => [],
      memory,
    },
    { log },
  )
}

/** Everything in blocks; the engine's own roll, no part of the seam. */
export const rollAll = (store: ReadingStore): Promise<void> =>
  (store as ReadingStore & { roll(): Promise<void> }).roll()

const payloadBytesMax = 40

/** Appends readings of a data set, whose payloads were made before the clock runs. */
export class Feeder {
  readonly #store: ReadingStore
  readonly #climate: Climate
  readonly #names: string[]
  readonly #bytes: Buffer
  readonly #ends: Float64Array

  constructor(store: ReadingStore, climate: Climate) {
    this.#store = store
    this.#climate = climate
    this.#names = Array.from({ length: climate.topics }, (_, device) => topicName(device))
    this.#ends = new Float64Array(climate.count)
    this.#bytes = Buffer.allocUnsafe(climate.count * payloadBytesMax)
    let end = 0
    for (let i = 0; i < climate.count; i++) {
      const t = climate.temperatures[i]! / 10
      const h = climate.humidities[i]! / 10
      end += this.#bytes.write(`{"temperature":${t},"humidity":${h}}`, end, 'latin1')
      this.#ends[i] = end
    }
  }

  /** Appends reading `i`; `done` when it is durable or refused. */
  append(i: number, isAwaited: boolean, done: Appended): void {
    const time = this.#climate.times[i]!
    const payload = this.#bytes.subarray(i === 0 ? 0 : this.#ends[i - 1]!, this.#ends[i]!)
    const reading = {
      topic: this.#names[this.#climate.devices[i]!]!,
      time,
      receivedAt: time,
      source: 'mqtt' as const,
      clientId: 'bench',
      user: 'bench',
      qos: 1 as const,
      retain: false,
      dup: false,
      properties: null,
      payload,
      fields: null,
    }
    this.#store.append(reading, { awaited: isAwaited }, done)
  }
}

/** Calls `count` for each durable reading; a refused one ends the run. */
export function whenDurable(count: () => void): Appended {
  return (error) => {
    if (error) throw error
    count()
  }
}
