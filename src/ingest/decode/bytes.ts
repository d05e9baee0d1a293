// A cursor over bytes that never reads beyond their end, for the binary decoders. A fault throws `Malformed`, which `decode`
// takes as "not this format".

import { depthMax, TooLarge } from './decoded.ts'

export class Malformed extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Nodes of a tree that a decoder may make before its leaves are counted. */
const nodesMax = 20_000

export class Bytes {
  readonly #view: DataView
  readonly #bytes: Uint8Array
  #nodes = 0
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get done(): boolean {
    return this.at === this.#bytes.length
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  /** Counts a node against the bounds, whatever lengths the bytes claim. */
  node(depth: number): void {
    if (++this.#nodes > nodesMax || depth > depthMax) throw new TooLarge()
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new Malformed()
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  text(length: number): string {
    const bytes = this.take(length)
    try {
      return utf8.decode(bytes)
    } catch {
      throw new Malformed()
    }
  }

  #move(length: number): number {
    if (length > this.left) throw new Malformed()
    this.at += length
    return this.at - length
  }

  u8(): number {
    return this.#view.getUint8(this.#move(1))
  }
  u16(): number {
    return this.#view.getUint16(this.#move(2))
  }
  u32(): number {
    return this.#view.getUint32(this.#move(4))
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#move(8))
  }
  i8(): number {
    return this.#view.getInt8(this.#move(1))
  }
  i16(): number {
    return this.#view.getInt16(this.#move(2))
  }
  i32(): number {
    return this.#view.getInt32(this.#move(4))
  }
  i64(): bigint {
    return this.#view.getBigInt64(this.#move(8))
  }
  f32(littleEndian = false): number {
    return this.#view.getFloat32(this.#move(4), littleEndian)
  }
  f64(littleEndian = false): number {
    return this.#view.getFloat64(this.#move(8), littleEndian)
  }
}

/** A double where it is exact, a bigint where it would not be. */
export function exactInteger(value: bigint): number | bigint {
  return value >= -9_007_199_254_740_991n && value <= 9_007_199_254_740_991n ? Number(value) : value
}

/** Bytes in a field are text: base64url without padding, as RFC 8949, 6.1 turns CBOR into JSON. */
export function bytesText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}
