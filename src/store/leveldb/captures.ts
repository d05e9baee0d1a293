// Capture data (source, client id, user, QoS, retain, dup, MQTT 5 properties, and what cleaning knows beside the fields) as
// small numbers: a topic mostly has one for life, so a row carries an integer. What a reading alone has (correlation data, say) still finds its place here, on
// the disk; in memory only the lately used ones are kept.

import { AppError } from '../../domain/errors.ts'
import type { NewReading, PublishProperties } from '../../domain/reading.ts'

export type CaptureData = Pick<
  NewReading,
  'source' | 'clientId' | 'user' | 'qos' | 'retain' | 'dup' | 'properties' | 'cleaned'
>

/** Capture data known by its text; what is not known any more gets another number. */
export const capturesMax = 32_768
/** Capture data known by its number; the rest is read from the disk when asked for. */
const decodedMax = 16_384
/** Clients whose numbers are known without a text. */
const plainMax = 8192

/** The numbers of a client's publishes without properties, by QoS, retain and dup. */
interface PlainIds {
  source: string
  user: string | null
  ids: Int32Array
}

export class CaptureTable {
  readonly #ids = new Map<string, number>()
  readonly #decoded = new Map<number, CaptureData>()
  readonly #plain = new Map<string, PlainIds>()
  #read: (id: number) => string | undefined
  /** Not on the disk yet, oldest first. */
  readonly #fresh = new Map<number, string>()
  #nextId = 0

  /** `read` finds the record of a number on the disk. */
  constructor(read: (id: number) => string | undefined) {
    this.#read = read
  }

  /** The database was opened again: records are read from there. */
  readFrom(read: (id: number) => string | undefined): void {
    this.#read = read
  }

  /** Never gives `id` to new capture data: its record is damaged, and rows may still carry it. */
  reserve(id: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1)
  }

  idOf(reading: CaptureData): number {
    if (reading.properties !== null || reading.cleaned) return this.#idOfText(encodeCapture(reading))
    const { clientId, source, user, qos, retain, dup } = reading
    let plain = this.#plain.get(clientId)
    if (!plain || plain.source !== source || plain.user !== user) {
      dropOldest(this.#plain, plainMax)
      plain = { source, user, ids: new Int32Array(12).fill(-1) }
      this.#plain.set(clientId, plain)
    }
    const place = qos * 4 + (retain ? 2 : 0) + (dup ? 1 : 0)
    const known = plain.ids[place]!
    if (known >= 0) return known
    return (plain.ids[place] = this.#idOfText(encodeCapture(reading)))
  }

  /** The number of what `id` has with `cleaned` in place of its own. */
  changed(id: number, cleaned: CaptureData['cleaned']): number {
    const known = this.get(id)
    if (!known) throw new AppError('store_corrupt', `the capture data (${id}) of a reading is damaged`)
    const { cleaned: _before, ...rest } = known
    return this.idOf(cleaned ? { ...rest, cleaned } : rest)
  }

  /** Takes in a record as it was written. */
  add(id: number, text: string): void {
    dropOldest(this.#ids, capturesMax)
    this.#ids.set(text, id)
    this.reserve(id)
  }

  get(id: number): CaptureData | undefined {
    const known = this.#decoded.get(id)
    if (known) return known
    const text = this.#fresh.get(id) ?? this.#read(id)
    if (text === undefined) return undefined
    const data = decodeCapture(text)
    dropOldest(this.#decoded, decodedMax)
    this.#decoded.set(id, data)
    return data
  }

  /** What is not on the disk yet, oldest first; `saved` says that so many of them are. */
  get fresh(): ReadonlyMap<number, string> {
    return this.#fresh
  }

  saved(count: number): void {
    let left = count
    for (const id of this.#fresh.keys()) {
      if (left-- === 0) return
      this.#fresh.delete(id)
    }
  }

  #idOfText(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.#nextId
    this.add(id, text)
    this.#fresh.set(id, text)
    return id
  }
}

function dropOldest(map: Map<unknown, unknown>, sizeMax: number): void {
  if (map.size < sizeMax) return
  for (const key of map.keys()) {
    map.delete(key)
    return
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

/** Bytes of their own: a small piece of Node's pool would keep all 8 KB of it in memory. */
function unpooled(base64: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(base64, 'base64'))
  bytes.write(base64, 'base64')
  return bytes
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
      correlationData === undefined ? rest : { ...rest, correlationData: unpooled(correlationData) }
  }
  const data = { source, clientId, user, qos, retain: retain === 1, dup: dup === 1, properties }
  return cleaned ? { ...data, cleaned } : data
}
