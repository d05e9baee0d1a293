import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBlock, encodeBlock } from '../../../../src/store/leveldb/block/block.ts'
import { type ShapeLimits, Shapes } from '../../../../src/store/leveldb/block/shapes.ts'
import { jsonText, makeRows, textOf } from './texts.ts'

/** Encodes `times` copies of each text; gives the shapes it left. */
function shapesOf(texts: readonly string[], times: number, limits: Partial<ShapeLimits> = {}): Shapes {
  const shapes = new Shapes(limits)
  const payloads = texts.flatMap((text) => Array.from({ length: times }, () => text))
  const rows = makeRows(payloads)
  const back = decodeBlock(encodeBlock(rows, 0, rows.count, shapes).block, shapes)
  expect(payloads.map((_, row) => textOf(back, row).toString())).toEqual(payloads)
  return shapes
}

function reload(shapes: Shapes): Shapes {
  const loaded = new Shapes()
  for (let id = 1; id <= shapes.count; id++) loaded.load(id, shapes.encode(id))
  return loaded
}

describe('a shape', () => {
  test('comes back from its record with the same skeleton and paths', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const shapes = shapesOf([text], 10)
        const loaded = reload(shapes)
        for (let id = 1; id <= shapes.count; id++) {
          expect(loaded.get(id)).toEqual({ ...shapes.get(id), literals: expect.anything() })
          expect(Buffer.from(loaded.get(id).literals)).toEqual(Buffer.from(shapes.get(id).literals))
        }
      }),
      { numRuns: 400 },
    )
  })

  test.each([
    ['21.5', ['value']],
    ['"ON"', ['value']],
    ['{"a":1,"b":{"c":[true,{"d":null}]}}', ['a', 'b.c.0', 'b.c.1.d']],
    ['{"a.b":1,"":2,"x":{"":3}}', ['a.b', '', 'x.']],
    ['{"a":1,"a":2}', [null, 'a']],
    ['{"a":{"x":1},"a":{"y":2}}', [null, 'a.y']],
    ['{"a.b":1,"a":{"b":2}}', [null, 'a.b']],
    ['{"10":{"x":1},"2":5}', ['10.x', '2']],
  ])('of %s has these paths', (text, paths) => {
    expect(shapesOf([text], 10).get(1).paths).toEqual(paths)
  })

  test('is the same for equal skeletons and another for other white space or types', () => {
    expect(shapesOf(['{"a":1}', '{"a":-2.5e3}'], 10).count).toBe(1)
    expect(shapesOf(['{"a":1}', '{"a": 1}', '{"a":"1"}', '{"a":null}', '{"a":true}'], 10).count).toBe(4)
  })
})

describe('the table of shapes', () => {
  test('takes a layout in once enough rows of it have come, over several blocks', () => {
    const shapes = new Shapes()
    const rows = makeRows(['{"a":1}', '{"a":2}', '{"a":3}'])
    const counts = [1, 2, 3].map(() => {
      encodeBlock(rows, 0, 3, shapes)
      return shapes.count
    })
    expect(counts).toEqual([0, 0, 1])
  })

  test('does not fill up with layouts that come once', () => {
    expect(
      shapesOf(
        Array.from({ length: 60 }, (_, i) => `{"k${i}":1}`),
        1,
      ).count,
    ).toBe(0)
  })

  test.each<[string, Partial<ShapeLimits>, number]>([
    ['shapes in a block', { blockShapesMax: 3 }, 3],
    ['shapes in all', { shapesMax: 5 }, 5],
    ['bytes in all', { tableBytesMax: 100 }, 16],
    ['bytes of a skeleton', { skeletonBytesMax: 5 }, 0],
  ])('keeps its limit of %s, and payloads beyond it come back all the same', (_, limits, count) => {
    const texts = Array.from({ length: 20 }, (_unused, i) => `{"${String.fromCharCode(97 + i)}":1}`)
    expect(shapesOf(texts, 10, limits).count).toBe(count)
  })

  test.each<[Partial<ShapeLimits>, string]>([
    [{ leavesMax: 2 }, '[1,2,3]'],
    [{ depthMax: 2 }, '[[[1]]]'],
  ])('leaves what is beyond %o raw', (limits, text) => {
    expect(shapesOf([text], 20, limits).count).toBe(0)
  })

  test('refuses records out of order and numbers it does not have', () => {
    const record = shapesOf(['{"a":1}'], 10).encode(1)
    expect(() => new Shapes().load(2, record)).toThrow(/shape 1 is missing/)
    expect(() => new Shapes().get(1)).toThrow(/shape 1 is missing/)
  })

  test('takes a record that it has already without a word', () => {
    const shapes = shapesOf(['{"a":1}'], 10)
    shapes.load(1, shapes.encode(1))
    expect(shapes.count).toBe(1)
  })
})
