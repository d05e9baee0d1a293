// Topic names by number and numbers by name, for millions of topics without an object or a string for each: bytes in arenas
// of 1 MiB, columns by id, and an open-addressing hash table. Ids grow by one and are never given twice.
//
//   name of id = arenas[starts[id] >>> 20] from starts[id] & 0xfffff, sizes[id] - 1 bytes (0: id has no name)

import assert from 'node:assert'
import { isUtf8 } from 'node:buffer'
import { randomInt } from 'node:crypto'
import { compareBytes, decodeUnits, encodeUnits, unitBytesMax } from './codeUnits.ts'

const arenaBits = 20
const arenaBytes = 2 ** arenaBits
const arenaMask = arenaBytes - 1
/** 4 GiB: what a 32-bit start reaches. */
const arenasMax = 2 ** (32 - arenaBits)
/** [MQTT-4.7.3-3], in code units: no name in UTF-8 has more units than bytes. */
const nameUnitsMax = 65_535
const idsMax = 2 ** 31
/** Names seen lately: as many again are kept from before. */
const cachedNames = 65_536
/** Longer names are looked up in the table: the cache must not hold gigabytes. */
const cachedUnitsMax = 256

export class TopicNames {
  #arenas: Buffer[] = []
  #arenaEnd = arenaBytes
  #liveBytes = 0
  #deadBytes = 0
  #starts = new Uint32Array(1024)
  #sizes = new Uint32Array(1024)
  #hashes = new Uint32Array(1024)
  /** id + 1, or 0; at most two thirds full. */
  #table = new Uint32Array(2048)
  /** Names come from outside: nobody may know which collide. */
  readonly #seed = randomInt(2 ** 32)
  #scratch = new Uint8Array(1024)
  #young = new Map<string, number>()
  #old = new Map<string, number>()
  #changed = new Uint32Array(1024)
  #changes = 0
  #removals = 0
  #count = 0
  #nextId = 0

  /** Topics that have a name. */
  get count(): number {
    return this.#count
  }

  /** The id that the next new name gets; every id is below it. */
  get nextId(): number {
    return this.#nextId
  }

  /** -1 when it has none. */
  idOf(name: string): number {
    const cached = this.#young.get(name)
    if (cached !== undefined) return cached
    const older = this.#old.get(name)
    if (older !== undefined) {
      this.#remember(name, older)
      return older
    }
    if (name.length > nameUnitsMax) return -1
    const length = this.#encode(name)
    const id = (this.#table[this.#slotOf(this.#hash(length), length)] as number) - 1
    if (id >= 0) this.#remember(name, id)
    return id
  }

  has(id: number): boolean {
    return id < this.#nextId && (this.#sizes[id] as number) > 0
  }

  /** Throws `AssertionError` when the id has no name. */
  nameOf(id: number): string {
    assert(this.has(id), `topic ${id} has no name`)
    const start = this.startOf(id)
    return decodeUnits(this.arenaOf(id), start, start + this.lengthOf(id))
  }

  /** The id of a new name, or the one it has. */
  add(name: string): number {
    const known = this.idOf(name)
    if (known !== -1) return known
    const id = this.#nextId
    this.restore(id, name)
    this.#remember(name, id)
    return id
  }

  /** Takes in a name with the id that it had. Throws `AssertionError` when either belongs to another already. */
  restore(id: number, name: string): void {
    assert(name.length <= nameUnitsMax, 'a topic name has at most 65,535 bytes')
    this.#put(id, this.#encode(name))
  }

  /** The same of UTF-8 bytes, which are copied. */
  restoreBytes(id: number, name: Uint8Array): void {
    if (!isUtf8(name) || hasSurrogates(name)) {
      this.restore(id, Buffer.from(name.buffer, name.byteOffset, name.length).toString())
      return
    }
    assert(name.length <= nameUnitsMax, 'a topic name has at most 65,535 bytes')
    this.#needScratch(name.length)
    this.#scratch.set(name)
    this.#put(id, name.length)
  }

  /** Never gives `id` to a new name: its record is damaged, and blocks may still carry it. */
  reserve(id: number): void {
    assert(Number.isInteger(id) && id >= 0 && id < idsMax, `${id} is no topic id`)
    this.#nextId = Math.max(this.#nextId, id + 1)
    if (this.#nextId <= this.#sizes.length) return
    const capacity = Math.max(this.#nextId, Math.ceil(this.#sizes.length * 1.5))
    this.#starts = grown(this.#starts, capacity)
    this.#sizes = grown(this.#sizes, capacity)
    this.#hashes = grown(this.#hashes, capacity)
  }

  /** Forgets the name of an id, if it has one; the id is not given again. */
  remove(id: number): void {
    if (!this.has(id)) return
    const name = this.nameOf(id)
    this.#young.delete(name)
    this.#old.delete(name)
    this.#vacate(id)
    const length = this.lengthOf(id)
    this.#sizes[id] = 0
    this.#count--
    this.#liveBytes -= length
    this.#deadBytes += length
    this.#removals++
    this.#note(id)
    if (this.#deadBytes > this.#liveBytes + arenaBytes) this.#compact()
  }

  /** Where the bytes of a name stand, in the encoding of codeUnits.ts: valid until names change. */
  arenaOf(id: number): Buffer {
    return this.#arenas[(this.#starts[id] as number) >>> arenaBits] as Buffer
  }

  startOf(id: number): number {
    return (this.#starts[id] as number) & arenaMask
  }

  lengthOf(id: number): number {
    return (this.#sizes[id] as number) - 1
  }

  /** Ids whose name came or went since the last call, and whether any went. One listener: the sorted order. */
  takeChanges(): { ids: Uint32Array; anyRemoved: boolean } {
    const ids = this.#changed.slice(0, this.#changes)
    const anyRemoved = this.#removals > 0
    this.#changes = 0
    this.#removals = 0
    if (this.#changed.length > 65_536) this.#changed = new Uint32Array(1024)
    return { ids, anyRemoved }
  }

  #remember(name: string, id: number): void {
    if (name.length > cachedUnitsMax) return
    if (this.#young.size >= cachedNames) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(name, id)
  }

  #needScratch(bytes: number): void {
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(bytes * 2)
  }

  #encode(name: string): number {
    this.#needScratch(name.length * unitBytesMax)
    return encodeUnits(name, this.#scratch)
  }

  /** FNV-1a, with the last bits mixed as in MurmurHash3. */
  #hash(length: number): number {
    const bytes = this.#scratch
    let hash = this.#seed
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    return (hash ^ (hash >>> 13)) >>> 0
  }

  /** The slot of the name in the scratch, or the free one where it belongs. */
  #slotOf(hash: number, length: number): number {
    const mask = this.#table.length - 1
    let slot = hash & mask
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const id = (this.#table[slot] as number) - 1
      if (this.#hashes[id] !== hash || this.lengthOf(id) !== length) continue
      if (compareBytes(this.arenaOf(id), this.startOf(id), length, this.#scratch, 0, length) === 0) break
    }
    return slot
  }

  #put(id: number, length: number): void {
    this.reserve(id)
    const hash = this.#hash(length)
    const holder = (this.#table[this.#slotOf(hash, length)] as number) - 1
    if (holder === id) return
    assert(holder === -1, `topic ${id} has the name of topic ${holder}`)
    assert(!this.has(id), `topic ${id} has another name already`)
    if ((this.#count + 1) * 3 > this.#table.length * 2) this.#growTable()
    this.#table[this.#slotOf(hash, length)] = id + 1
    this.#hashes[id] = hash
    this.#starts[id] = this.#store(this.#scratch, 0, length)
    this.#sizes[id] = length + 1
    this.#count++
    this.#liveBytes += length
    this.#note(id)
  }

  #store(bytes: Uint8Array, start: number, length: number): number {
    if (this.#arenaEnd + length >= arenaBytes) {
      assert(this.#arenas.length < arenasMax, 'topic names take more than 4 GiB')
      this.#arenas.push(Buffer.alloc(arenaBytes))
      this.#arenaEnd = 0
    }
    const arena = this.#arenas.length - 1
    const at = this.#arenaEnd
    const buffer = this.#arenas[arena] as Buffer
    buffer.set(bytes.subarray(start, start + length), at)
    this.#arenaEnd += length
    return arena * arenaBytes + at
  }

  #growTable(): void {
    const table = new Uint32Array(this.#table.length * 2)
    const mask = table.length - 1
    for (const entry of this.#table) {
      if (entry === 0) continue
      let slot = (this.#hashes[entry - 1] as number) & mask
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = entry
    }
    this.#table = table
  }

  /** Takes an id out of the table and moves up what it kept from its place, so that no mark of it is needed. */
  #vacate(id: number): void {
    const mask = this.#table.length - 1
    let free = (this.#hashes[id] as number) & mask
    while (this.#table[free] !== id + 1) free = (free + 1) & mask
    for (let slot = (free + 1) & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (this.#hashes[(this.#table[slot] as number) - 1] as number) & mask
      if (((slot - home) & mask) < ((slot - free) & mask)) continue
      this.#table[free] = this.#table[slot] as number
      free = slot
    }
    this.#table[free] = 0
  }

  #note(id: number): void {
    if (this.#changes === this.#changed.length) this.#changed = grown(this.#changed, this.#changes * 2)
    this.#changed[this.#changes++] = id
  }

  /** Copies what lives into new arenas. */
  #compact(): void {
    const arenas = this.#arenas
    this.#arenas = []
    this.#arenaEnd = arenaBytes
    this.#deadBytes = 0
    for (let id = 0; id < this.#nextId; id++) {
      if (this.#sizes[id] === 0) continue
      const start = this.#starts[id] as number
      this.#starts[id] = this.#store(
        arenas[start >>> arenaBits] as Buffer,
        start & arenaMask,
        this.lengthOf(id),
      )
    }
  }
}

/** Whether text in UTF-8 takes surrogates in UTF-16. */
function hasSurrogates(text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if ((text[i] as number) >= 0xf0) return true
  return false
}

function grown(column: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(capacity)
  wider.set(column)
  return wider
}
