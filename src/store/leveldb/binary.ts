// Bytes of variable length: unsigned and zigzag LEB128 integers up to 2^53, byte strings with their length first.
// A reader never runs past its end: damaged input is a `RangeError`, not a wrong value.

/** Grows as it is written to. */
export class ByteWriter {
  #bytes: Buffer
  length = 0

  constructor(capacityBytes = 4096) {
    this.#bytes = Buffer.allocUnsafe(capacityBytes)
  }

  uint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80000000) {
      this.#bytes[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    while (rest > 127) {
      this.#bytes[this.length++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#bytes[this.length++] = rest
  }

  int(value: number): void {
    this.uint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.length++] = value
  }

  bytes(source: Uint8Array): void {
    this.uint(source.length)
    this.raw(source)
  }

  text(source: string): void {
    this.bytes(Buffer.from(source))
  }

  raw(source: Uint8Array): void {
    this.#reserve(source.length)
    this.#bytes.set(source, this.length)
    this.length += source.length
  }

  /** What was written, until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.length))
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + count))
    grown.set(this.#bytes.subarray(0, this.length))
    this.#bytes = grown
  }
}

export class ByteReader {
  readonly #bytes: Buffer
  offset: number

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.offset = offset
  }

  get done(): boolean {
    return this.offset >= this.#bytes.length
  }

  /** Another reader at the same place. */
  fork(): ByteReader {
    return new ByteReader(this.#bytes, this.offset)
  }

  uint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 8; count++) {
      const byte = this.#bytes[this.offset++]
      if (byte === undefined) throw new RangeError('cut off inside an integer')
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
    throw new RangeError('an integer is longer than 53 bits')
  }

  int(): number {
    const value = this.uint()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  byte(): number {
    const byte = this.#bytes[this.offset++]
    if (byte === undefined) throw new RangeError('cut off before a byte')
    return byte
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    return this.take(this.uint())
  }

  /** The next `length` bytes; a view, not a copy. */
  take(length: number): Buffer {
    const end = this.offset + length
    if (end > this.#bytes.length) throw new RangeError('cut off inside a byte string')
    const view = this.#bytes.subarray(this.offset, end)
    this.offset = end
    return view
  }

  /** What was read since `offset`; a view, not a copy. */
  since(offset: number): Buffer {
    return this.#bytes.subarray(offset, this.offset)
  }

  text(): string {
    return this.bytes().toString()
  }
}
