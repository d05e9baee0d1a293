import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBlock, encodeBlock } from '../../../../src/store/leveldb/block/block.ts'
import { decodeIndex } from '../../../../src/store/leveldb/block/blockindex.ts'
import { openBlock } from '../../../../src/store/leveldb/block/open.ts'
import { blockEnd, blockRowsMax, type Rows, type Texts } from '../../../../src/store/leveldb/block/rows.ts'
import { Shapes } from '../../../../src/store/leveldb/block/shapes.ts'
import { anyPayload, jsonText, makeRows, type RowOptions, textOf, topicPayloads } from './texts.ts'

function roundTrip(payloads: readonly (string | Uint8Array)[], options: RowOptions = {}): void {
  const rows = makeRows(payloads, options)
  const shapes = new Shapes()
  // Twice: the second time every layout is known already.
  for (let i = 0; i < 2; i++) {
    const { block } = encodeBlock(rows, 0, rows.count, shapes)
    expectSame(decodeBlock(block, shapes), rows, 0)
  }
}

function expectSame(actual: Rows, rows: Rows, from: number): void {
  for (let row = 0; row < actual.count; row++) {
    if (!textOf(actual, row).equals(textOf(rows, from + row))) {
      expect(textOf(actual, row).toString('latin1')).toBe(textOf(rows, from + row).toString('latin1'))
    }
    if (rows.fields) {
      expect(actual.fields ? textOf(actual.fields, row).toString() : '').toBe(
        textOf(rows.fields, from + row).toString(),
      )
    }
  }
  const to = from + actual.count
  expect(actual.times).toEqual(rows.times.slice(from, to))
  expect(actual.seqs).toEqual(rows.seqs.slice(from, to))
  expect(actual.receivedAt).toEqual(rows.receivedAt.slice(from, to))
  expect(actual.metas).toEqual(rows.metas.slice(from, to))
}

/** Rows of a cursor without what its memory has room for besides. */
function ownOf({ count, times, seqs, receivedAt, metas, ...texts }: Rows): Rows {
  return {
    count,
    times: times.slice(0, count),
    seqs: seqs.slice(0, count),
    receivedAt: receivedAt.slice(0, count),
    metas: metas.slice(0, count),
    ...texts,
  }
}

interface Message {
  id: string
  payload_utf8?: string
  payload_base64?: string
}

const messages = readFileSync(join(import.meta.dirname, '../../../fixtures/messages.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Message)
  .map(({ id, payload_utf8, payload_base64 }) => ({
    id,
    payload:
      payload_utf8 === undefined ? Buffer.from(payload_base64 ?? '', 'base64') : Buffer.from(payload_utf8),
  }))

describe('a block gives every payload back byte for byte', () => {
  test('all messages of the collection in one block', () => {
    expect(messages.length).toBeGreaterThan(170)
    roundTrip(messages.map(({ payload }) => payload))
  })

  test.each(messages)('$id, sent a hundred times', ({ payload }) => {
    roundTrip(Array.from({ length: 100 }, () => payload))
  })

  test('JSON in any spelling, truncated JSON, text and noise', () => {
    fc.assert(
      fc.property(fc.array(anyPayload, { minLength: 1, maxLength: 30 }), (payloads) => roundTrip(payloads)),
      { numRuns: 600 },
    )
  })

  test('a few layouts whose values change, with anything in between', () => {
    fc.assert(
      fc.property(topicPayloads, (payloads) => roundTrip(payloads)),
      { numRuns: 300 },
    )
  })

  test('one JSON text repeated, so that it has a shape', () => {
    fc.assert(
      fc.property(jsonText, (text) => roundTrip(Array.from({ length: 10 }, () => text))),
      { numRuns: 400 },
    )
  })

  const many = (payload: (row: number) => string | Uint8Array): (string | Uint8Array)[] =>
    Array.from({ length: 1000 }, (_, row) => payload(row))

  test.each([
    ['whole numbers', many((i) => `{"n":${i * 7 - 3000}}`)],
    ['numbers of 15 digits', many((i) => `{"n":${999_999_999_999_999 - i * 7_000_000_001}}`)],
    ['numbers of 16 digits', many((i) => `{"n":${9_007_199_254_740_000 + i}}`)],
    ['integers of 30 digits', many((i) => `{"n":${'1234567890'.repeat(3)}${i}}`)],
    ['fixed decimals', many((i) => (i / 8).toFixed(2))],
    ['mixed decimals', many((i) => (i / 8).toFixed(i % 4))],
    ['tiny and huge together', many((i) => (i % 2 ? '0.00000000000001' : '99999999999999'))],
    ['doubles', many((i) => String(Math.sqrt(i + 0.5)))],
    [
      'doubles, some spelled otherwise',
      many((i) => (i % 100 === 7 ? '1.50E+3' : String(Math.sqrt(i + 0.5)))),
    ],
    ['decimals, some odd', many((i) => (i % 50 === 3 ? '-0' : i % 50 === 9 ? '1e400' : (i / 10).toFixed(1)))],
    ['odd numbers only', many((i) => `${i}E${i % 5}`)],
    ['minus zero', many(() => '-0.0')],
    ['words', many((i) => `{"ok":${['true', 'false', 'null'][i % 3]}}`)],
    ['text', many((i) => ['ON', 'OFF', 'ONLINE', ''][i % 4] ?? '')],
    ['UUIDs', many(() => JSON.stringify({ id: randomUUID() }))],
    ['random bytes', many((i) => randomBytes(i % 70))],
    ['two layouts in turn', many((i) => (i % 2 ? `{"a":${i}}` : `{"b":"${i}"}`))],
    ['a new layout each time', many((i) => `{"key${i}":${i}}`)],
    ['a number that becomes null', many((i) => `{"t":${i % 9 ? i / 10 : 'null'}}`)],
    ['300 leaves', many((i) => JSON.stringify(Array.from({ length: 300 }, (_, k) => k * i))).slice(0, 20)],
    ['a skeleton of 20 kB', many((i) => `{"${'k'.repeat(20_000)}":${i}}`).slice(0, 20)],
    ['40 levels', many((i) => `${'['.repeat(40)}${i}${']'.repeat(40)}`).slice(0, 20)],
    ['empty payloads', many(() => '')],
    ['a byte order mark', many((i) => `\ufeff{"a":${i}}`)],
    ['invalid UTF-8 in keys and strings', many((i) => Buffer.from(`{"\xff":"\xc3${i}"}`, 'latin1'))],
  ])('%s', (_, payloads) => roundTrip(payloads))

  test('payloads of 16 MiB, random and JSON', () => {
    const size = 16 * 2 ** 20
    roundTrip([randomBytes(size), `{"data":"${'x'.repeat(size - 11)}"}`])
  })
})

describe('rows in memory shared with another thread', () => {
  test('are encoded like any others, and blocks and indexes read from there', () => {
    fc.assert(
      fc.property(topicPayloads, fc.boolean(), (payloads, hasFields) => {
        const fields = payloads.map((_, row) => (hasFields && row % 2 ? `{"clean":${row}}` : ''))
        const rows = makeRows(payloads, { fields, receivedAt: payloads.map((_, row) => row) })
        const { block, index } = encodeBlock(rows, 0, rows.count, new Shapes({ admitRows: 2 }))
        const shapes = new Shapes({ admitRows: 2 })
        const shared = encodeBlock(sharedRows(rows), 0, rows.count, shapes)
        expect(shared.block.equals(block)).toBe(true)
        expect(shared.index.equals(index)).toBe(true)
        expectSame(decodeBlock(sharedBytes(block), shapes), rows, 0)
        expect(decodeIndex(sharedBytes(index))).toEqual(decodeIndex(index))
      }),
      { numRuns: 150 },
    )
  })

  test('may be large payloads, of noise and of text', () => {
    const payloads = [randomBytes(100_000), JSON.stringify({ data: 'x'.repeat(100_000) }), randomBytes(50)]
    const rows = makeRows(payloads)
    const shapes = new Shapes()
    const { block } = encodeBlock(sharedRows(rows), 0, rows.count, shapes)
    expectSame(decodeBlock(sharedBytes(block), shapes), rows, 0)
  })
})

/** A copy in shared memory, at an odd address. */
function sharedBytes(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length + 3), 3)
  copy.set(bytes)
  return copy
}

function sharedRows(rows: Rows): Rows {
  const doubles = (values: Float64Array): Float64Array => {
    const copy = new Float64Array(new SharedArrayBuffer(values.byteLength))
    copy.set(values)
    return copy
  }
  const words = (values: Uint32Array): Uint32Array => {
    const copy = new Uint32Array(new SharedArrayBuffer(values.byteLength))
    copy.set(values)
    return copy
  }
  const texts = ({ bytes, offsets, lengths }: Texts): Texts => ({
    bytes: sharedBytes(bytes),
    offsets: words(offsets),
    lengths: words(lengths),
  })
  return {
    count: rows.count,
    times: doubles(rows.times),
    seqs: doubles(rows.seqs),
    receivedAt: doubles(rows.receivedAt),
    metas: words(rows.metas),
    ...texts(rows),
    fields: rows.fields && texts(rows.fields),
  }
}

describe('a block gives the other columns back', () => {
  const payloads = Array.from({ length: 500 }, (_, row) => `${row}`)

  test('times, numbers, receive times and metadata of any integers', () => {
    const integer = fc.integer({ min: -(2 ** 48), max: 2 ** 48 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(integer, fc.nat(), integer, fc.nat()), { minLength: 1, maxLength: 300 }),
        (values) => {
          roundTrip(
            values.map(() => '1'),
            {
              times: values.map(([time]) => time).sort((a, b) => a - b),
              seqs: values.map(([, seq]) => seq * 1_000_003),
              receivedAt: values.map(([, , received]) => received),
              metas: values.map(([, , , meta]) => meta),
            },
          )
        },
      ),
    )
  })

  test('cleaned fields beside the payloads, in some rows only', () => {
    roundTrip(payloads, { fields: payloads.map((text, row) => (row % 3 ? '' : `{"clean":${text}}`)) })
  })

  test('cleaned fields cost nothing when no row has any', () => {
    const shapes = new Shapes()
    const plain = encodeBlock(makeRows(payloads), 0, 500, shapes).block
    const empty = encodeBlock(makeRows(payloads, { fields: payloads.map(() => '') }), 0, 500, shapes).block
    expect(empty).toEqual(plain)
  })

  test('a dense counter shared in turn by 1,000 topics costs nothing a row', () => {
    const seqs = Array.from({ length: 8192 }, (_, row) => 5 + row * 1000)
    const rows = makeRows(
      seqs.map(() => '1'),
      { seqs },
    )
    expect(encodeBlock(rows, 0, 8192, new Shapes()).block.length).toBeLessThan(64)
  })

  test('the extent is known without decoding', () => {
    const rows = makeRows(['1', '22', '333'], { times: [-5, 0, 9], seqs: [40, 10, 20] })
    const shapes = new Shapes()
    const opened = openBlock(encodeBlock(rows, 0, 3, shapes).block, shapes)
    expect({ ...opened }).toMatchObject({
      count: 3,
      tmin: -5,
      tmax: 9,
      seqMin: 10,
      seqMax: 40,
      payloadBytes: 6,
    })
  })
})

describe('a part of the rows', () => {
  test('is encoded as if there were no others', () => {
    const rows = makeRows(['a', '{"x":1}', '{"x":2}', 'b'])
    const shapes = new Shapes()
    expectSame(decodeBlock(encodeBlock(rows, 1, 3, shapes).block, shapes), rows, 1)
  })

  test('is decoded by row or by time as a slice of the whole', () => {
    fc.assert(
      fc.property(topicPayloads, fc.nat(120), fc.nat(120), (payloads, a, b) => {
        const rows = makeRows(payloads)
        const shapes = new Shapes()
        const { block } = encodeBlock(rows, 0, rows.count, shapes)
        const from = Math.min(a, b, rows.count)
        const to = Math.min(Math.max(a, b), rows.count)
        const byRow = decodeBlock(block, shapes, { by: 'row', from, to })
        expect(byRow.count).toBe(to - from)
        expectSame(byRow, rows, from)
        const end = to < rows.count ? rows.times[to]! : Number.POSITIVE_INFINITY
        const start = from < rows.count ? rows.times[from]! : Number.POSITIVE_INFINITY
        const cursor = openBlock(block, shapes).cursor(from, to, 1 + (from % 5))
        for (let at = from; !cursor.isAtEnd; ) {
          const some = cursor.next()
          expectSame(ownOf(some), rows, at)
          at += some.count
          if (cursor.isAtEnd) expect(at).toBe(to)
        }
        const byTime = decodeBlock(block, shapes, { by: 'time', from: start, to: end })
        expect(byTime.count).toBe(to - from)
        expectSame(byTime, rows, from)
      }),
      { numRuns: 100 },
    )
  })

  test('ends where the block has its rows, or its bytes', () => {
    const rows = makeRows(Array.from({ length: blockRowsMax + 5 }, () => ''))
    expect(blockEnd(rows, 0)).toBe(blockRowsMax)
    expect(blockEnd(rows, 100, 7)).toBe(107)
    const large = makeRows([
      Buffer.alloc(5 * 2 ** 20),
      Buffer.alloc(5 * 2 ** 20),
      'x',
      Buffer.alloc(12 * 2 ** 20),
    ])
    expect([blockEnd(large, 0), blockEnd(large, 1), blockEnd(large, 3)]).toEqual([1, 3, 4])
  })
})
