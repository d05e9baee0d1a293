// Capture data (source, client id, user, QoS, retain, dup, MQTT 5 properties, what cleaning
// knows beside the fields) as small numbers: a topic mostly has one
// for life, so a row carries an integer. What a reading alone has (correlation data, say) still finds its place here.

import type { NewReading, PublishProperties } from '../../domain/reading.ts'

export type CaptureData = Pick<
  NewReading,
  'source' | 'clientId' | 'user' | 'qos' | 'retain' | 'dup' | 'properties' | 'cleaned'
>

/** Grows with each new combination; `take` hands over what is not on the disk yet. */
export class CaptureTable {
  readonly #ids = new Map<string, number>()
  readonly #data: (CaptureData | undefined)[] = []
  #nextId = 0

  /** Never gives `id` to new capture data: its record is damaged, and rows may still carry it. */
  reserve(id: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1)
  }

  idOf(reading: NewReading): { id: number; text: string; isNew: boolean } {
    const text = encodeCapture(reading)
    const known = this.#ids.get(text)
    if (known !== undefined) return { id: known, text, isNew: false }
    const id = this.#nextId
    this.add(id, text)
    return { id, text, isNew: true }
  }

  add(id: number, text: string): void {
    this.#ids.set(text, id)
    this.#data[id] = decodeCapture(text)
    this.reserve(id)
  }

  get(id: number): CaptureData | undefined {
    return this.#data[id]
  }
}

export function encodeCapture(reading: CaptureData): string {
  const { source, clientId, user, qos, retain, dup, properties, cleaned } = reading
  const plain = properties && {
    ...properties,
    ...(properties.correlationData ? { correlationData: properties.correlationData.toString('base64') } : {}),
  }
  const all = [source, clientId, user, qos, retain ? 1 : 0, dup ? 1 : 0, plain]
  return JSON.stringify(cleaned ? [...all, cleaned] : all)
}

export function decodeCapture(text: string): CaptureData {
  const [source, clientId, user, qos, retain, dup, plain, cleaned] = JSON.parse(text) as [
    CaptureData['source'],
    string,
    string | null,
    CaptureData['qos'],
    number,
    number,
    (Omit<PublishProperties, 'correlationData'> & { correlationData?: string }) | null,
    CaptureData['cleaned']?,
  ]
  let properties: PublishProperties | null = null
  if (plain) {
    const { correlationData, ...rest } = plain
    properties =
      correlationData === undefined
        ? rest
        : { ...rest, correlationData: Buffer.from(correlationData, 'base64') }
  }
  const data = { source, clientId, user, qos, retain: retain === 1, dup: dup === 1, properties }
  return cleaned ? { ...data, cleaned } : data
}
