import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../../../src/domain/errors.ts'
import { decodeBlock, encodeBlock } from '../../../../src/store/leveldb/block/block.ts'
import { decodeIndex } from '../../../../src/store/leveldb/block/blockindex.ts'
import { blockExtent, openBlock } from '../../../../src/store/leveldb/block/open.ts'
import { Shapes } from '../../../../src/store/leveldb/block/shapes.ts'
import { makeRows } from './texts.ts'

/** What checksums of version 2 start from. */
const seeds = { block: 256 + 66, index: 256 + 73, shape: 256 + 72 }

/** Every form of column in one block: plain, odd and double numbers, dictionary, deflated and raw texts, words. */
const count = 300
const payloads = Array.from({ length: count }, (_, i) => {
  if (i % 10 === 3) return `reading ${i} of this text, which deflates`
  if (i % 10 === 7) return `{"double":${Math.sqrt(i)},"id":"${(i * 7919) % 1000} is a text of its own"}`
  const odd = i === 40 ? '-0' : (i / 10).toFixed(i % 2 ? 1 : 2)
  return `{"t":${odd},"n":${i * i},"ok":${i % 3 === 0},"state":"${i % 2 ? 'ON' : 'OFF'}"}`
})
const rows = makeRows(payloads, {
  receivedAt: payloads.map((_, i) => 1_764_000_000_000 + i * 10_000 + (i % 17)),
  metas: payloads.map((_, i) => (i * i) % 5),
  fields: payloads.map((_, i) => (i % 4 ? '' : `{"clean":${i / 4}}`)),
})
const shapes = new Shapes()
const { block, index } = encodeBlock(rows, 0, count, shapes)
const shape = shapes.encode(1)

const readers = {
  block: (record: Uint8Array): void => {
    blockExtent(record)
    const opened = openBlock(record, shapes)
    opened.paths()
    for (const path of ['t', 'double', 'n', 'clean']) opened.numbers(path)
    decodeBlock(record, shapes)
  },
  index: (record: Uint8Array): void => {
    decodeIndex(record)
  },
  shape: (record: Uint8Array): void => new Shapes().load(1, record),
}

const records = [
  { kind: 'block', record: block },
  { kind: 'index', record: index },
  { kind: 'shape', record: shape },
] as const

function faultOf(run: () => void): string {
  try {
    run()
    return 'none'
  } catch (error) {
    if (error instanceof AppError) return error.code
    return String(error)
  }
}

describe.each(records)('a damaged $kind', ({ kind, record }) => {
  const read = readers[kind]

  test('is whole before it is damaged', () => {
    expect(faultOf(() => read(record))).toBe('none')
  })

  test('is an error whichever bit is flipped', () => {
    const copy = Buffer.from(record)
    for (let bit = 0; bit < copy.length * 8; bit++) {
      copy[bit >>> 3]! ^= 1 << (bit & 7)
      const fault = faultOf(() => read(copy))
      if (fault !== 'store_corrupt') expect.fail(`bit ${bit} flipped: ${fault}`)
      copy[bit >>> 3]! ^= 1 << (bit & 7)
    }
  })

  test('is an error wherever it is cut off, and with a byte more', () => {
    for (let length = 0; length < record.length; length++) {
      const fault = faultOf(() => read(record.subarray(0, length)))
      if (fault !== 'store_corrupt') expect.fail(`cut at ${length}: ${fault}`)
    }
    expect(faultOf(() => read(Buffer.concat([record, Buffer.alloc(1)])))).toBe('store_corrupt')
  })

  test('ends in an answer or a named error even when its checksum was made to fit', {
    timeout: 60_000,
  }, () => {
    const forge = (bytes: Buffer): string => {
      bytes[0] = 1
      bytes.writeUInt32LE(crc32(bytes.subarray(5), seeds[kind]), 1)
      return faultOf(() => read(bytes))
    }
    for (let at = 5; at < record.length; at++) {
      for (const value of [0, 1, 2, 127, 128, 255, record[at]! ^ 1, record[at]! ^ 64]) {
        const copy = Buffer.from(record)
        copy[at] = value
        const fault = forge(copy)
        if (fault !== 'none' && fault !== 'store_corrupt') expect.fail(`byte ${at} = ${value}: ${fault}`)
      }
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(record.length - 6), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const copy = Buffer.from(record)
          for (const [at, value] of changes) copy[5 + at] = value
          expect(['none', 'store_corrupt']).toContain(forge(copy))
        },
      ),
      { numRuns: 2000 },
    )
  })
})

test('noise behind a good checksum is an answer or a named error', () => {
  fc.assert(
    fc.property(fc.constantFrom(...records), fc.uint8Array({ maxLength: 200 }), ({ kind }, noise) => {
      const record = Buffer.concat([Buffer.alloc(5), noise])
      record[0] = 1
      record.writeUInt32LE(crc32(noise, seeds[kind]), 1)
      expect(['none', 'store_corrupt']).toContain(faultOf(() => readers[kind](record)))
    }),
    { numRuns: 3000 },
  )
})

test('a record of one kind is not taken for another', () => {
  expect(faultOf(() => readers.index(block))).toBe('store_corrupt')
  expect(faultOf(() => readers.block(index))).toBe('store_corrupt')
  expect(faultOf(() => readers.shape(block))).toBe('store_corrupt')
})

test('a block of a later version is refused by name', () => {
  const later = Buffer.from(block)
  later[0] = 3
  expect(() => openBlock(later, shapes)).toThrow(/version is 3/)
})

test('a block whose shape is missing is an error', () => {
  expect(() => openBlock(block, new Shapes())).toThrow(/shape 1 is missing/)
})

test('a record may lie at any offset of its buffer', () => {
  for (let offset = 0; offset < 8; offset++) {
    const moved = Buffer.concat([Buffer.alloc(offset), block]).subarray(offset)
    expect(decodeBlock(moved, shapes)).toEqual(decodeBlock(block, shapes))
  }
})
