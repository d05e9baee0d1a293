import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../../../../src/store/leveldb/binary.ts'
import {
  ColumnWriter,
  finishColumns,
  mapColumns,
  readColumn,
} from '../../../../src/store/leveldb/block/columns.ts'
import {
  decodeIntegers,
  encodeIntegers,
  IntegerWindow,
  skipIntegers,
} from '../../../../src/store/leveldb/block/integers.ts'

function roundTrip(values: readonly number[]): { back: number[]; bytes: number } {
  const out = new ColumnWriter(values.length)
  encodeIntegers(out, Float64Array.from(values), values.length)
  out.end()
  const bytes = out.control.length + out.words.length * 4
  const head = new ByteWriter()
  head.uint(values.length)
  const record = finishColumns(head, out)
  const input = new ByteReader(record)
  const count = input.uint()
  const map = mapColumns(record, input, 1)
  const column = readColumn(map, 0)
  const back = [...decodeIntegers(column, count, new Float64Array(count))]
  // Read forward it says the same, and who skips it ends where who reads it does.
  const window = new IntegerWindow(readColumn(map, 0), count)
  for (let i = 0; i < count; i += 1 + (i % 5)) expect(window.at(i)).toBe(back[i])
  const skipped = readColumn(map, 0)
  skipIntegers(skipped, count)
  expect([skipped.at, skipped.control.offset]).toEqual([column.at, column.control.offset])
  return { back, bytes }
}

const integerMax = 2 ** 52 - 1
const integer = fc.oneof(
  fc.integer({ min: -10, max: 10 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(integerMax, -integerMax, integerMax + 1, -(2 ** 52), 2 ** 53, 2 ** 32, 2 ** 32 - 1),
)

describe('a column of integers', () => {
  test('comes back, whatever its values', () => {
    const anything = fc.oneof(integer, fc.double(), fc.constantFrom(-0, Number.NaN, 0.5))
    const property = (one: fc.Arbitrary<number>, maxLength: number): void =>
      fc.assert(
        fc.property(fc.array(one, { maxLength }), (values) => {
          expect(roundTrip(values).back).toEqual(values)
        }),
      )
    property(integer, 400)
    property(anything, 40)
  })

  test('comes back in every width, rising, falling and with outliers', () => {
    fc.assert(
      fc.property(
        fc.nat(52),
        fc.integer({ min: 1, max: 400 }),
        fc.integer(),
        fc.nat(300),
        (bits, count, seed, every) => {
          const scale = 2 ** bits
          let walk = 0
          const random = (i: number): number => ((Math.imul(i + seed, 2_654_435_761) >>> 0) / 2 ** 32) * scale
          const raw = Array.from({ length: count }, (_, i) => Math.floor(random(i)) - Math.floor(scale / 2))
          const outlying = raw.map((value, i) =>
            every > 0 && i % every === 5 ? value * 7 + 1e6 : value % 16,
          )
          const walking = raw.map((value) => (walk += value / 1024) && Math.round(walk))
          for (const values of [raw, outlying, walking])
            expect(roundTrip(values).back).toEqual(values.map((v) => v))
        },
      ),
      { numRuns: 600 },
    )
  })

  test.each([
    ['a constant', (): number => 1_764_000_000_000, 8192, 10],
    ['a counter', (i: number): number => 1e12 + i * 1000, 8192, 12],
    ['a bit', (i: number): number => (i * 7919) % 2, 8192, 1024 + 64 * 2 + 8],
    [
      'small steps with a gap',
      (i: number): number => i * 10 + ((i * 7919) % 4) + (i > 4000 ? 1e9 : 0),
      8192,
      4096,
    ],
    [
      'noise of 20 bits',
      (i: number): number => Math.imul(i, 2_654_435_761) >>> 12,
      8192,
      8192 * 2.5 + 64 * 4 + 16,
    ],
  ])('%s takes no more than it must', (_, value, count, bytesMax) => {
    const values = Array.from({ length: count }, (_unused, i) => value(i))
    const { back, bytes } = roundTrip(values)
    expect(back).toEqual(values)
    expect(bytes).toBeLessThanOrEqual(bytesMax)
  })
})
