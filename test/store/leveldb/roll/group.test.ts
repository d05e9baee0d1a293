import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Epoch } from '../../../../src/store/leveldb/hot/epoch.ts'
import { rowsByTopic } from '../../../../src/store/leveldb/roll/group.ts'
import type { Rows, Texts } from '../../../../src/store/leveldb/block/rows.ts'

const textAt = ({ bytes, offsets, lengths }: Texts, row: number): string =>
  Buffer.from(bytes).toString('latin1', offsets[row], offsets[row]! + lengths[row]!)

const listed = (topicId: number, rows: Rows): object[] =>
  Array.from({ length: rows.count }, (_, row) => ({
    topicId,
    time: rows.times[row],
    seq: rows.seqs[row],
    receivedAt: rows.receivedAt[row],
    captureId: rows.metas[row],
    payload: textAt(rows, row),
    fields: rows.fields ? textAt(rows.fields, row) : '',
  }))

const row = fc.record({
  topicId: fc.integer({ min: 0, max: 6 }),
  time: fc.integer({ min: -50, max: 2 ** 41 }),
  delay: fc.oneof(fc.constant(0), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  captureId: fc.integer({ min: 0, max: 2 ** 31 }),
  payload: fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
  fields: fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme-ascii', maxLength: 90 })),
})

test('the rows of an epoch by topic are those that came, in the order of time and number, whatever the parts', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 2000 }), (given, bytesMax) => {
      const epoch = new Epoch()
      for (const [seq, { topicId, time, delay, captureId, payload, fields }] of given.entries())
        epoch.stage({
          topicId,
          time,
          seq,
          receivedAt: time + delay,
          captureId,
          payload: Buffer.from(payload),
          fields: Buffer.from(fields),
        })
      const found = [...rowsByTopic(epoch.rows, given.length, bytesMax)].flatMap(({ topicId, rows }) =>
        listed(topicId, rows),
      )
      const wanted = given
        .map(({ delay, ...rest }, seq) => ({ ...rest, seq, receivedAt: rest.time + delay }))
        .toSorted((a, b) => a.topicId - b.topicId || a.time - b.time || a.seq - b.seq)
      expect(found).toEqual(wanted)
    }),
  )
})

test('rows of several pages and chunks are all found', () => {
  const epoch = new Epoch()
  const payload = Buffer.alloc(300, 'x')
  for (let seq = 0; seq < 20_000; seq++) {
    const at = { topicId: seq % 3, time: seq, seq, receivedAt: seq, captureId: 1 }
    epoch.stage({ ...at, payload, fields: Buffer.alloc(0) })
  }
  const counts = [...rowsByTopic(epoch.rows, 20_000)].map(({ rows }) => rows.count)
  expect(counts).toEqual([6667, 6667, 6666])
})
