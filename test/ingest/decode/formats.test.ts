import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode } from '../../../src/ingest/decode/decode.ts'
import { type FormatName, formats, mergedFields } from '../../../src/ingest/decode/decoded.ts'
import { createAliases } from '../../../src/ingest/decode/sparkplugAliases.ts'
import { readMessages } from '../score.ts'

const read = (payload: string | Uint8Array, format: FormatName = 'auto', topic = 't') =>
  decode(typeof payload === 'string' ? Buffer.from(payload) : payload, { topic, format, receivedAt: 1000 })
const fieldsOf = (payload: string | Uint8Array, format?: FormatName, topic?: string) => {
  const fields = mergedFields(read(payload, format, topic))
  return fields && { ...fields }
}

describe('broken JSON', () => {
  test.each([
    ['{"a":.5,"b":5.,"c":+5}', { a: 0.5, b: 5, c: 5 }, ['mended']],
    ['{"a":1,}', { a: 1 }, ['mended']],
    ['{"a":,"b":2}', { b: 2 }, ['mended']],
    ['{"id":007,"b":2}', { b: 2 }, ['mended']],
    ['{"a":-inf,"b":True}', { b: true }, ['mended']],
    ['{"a":"x\ny"}', { a: 'x\ny' }, ['mended']],
    ['{"a":1}\0\0', { a: 1 }, []],
    ['{"a":1}\0"b":2}', { a: 1 }, ['mended']],
    ['{"a":1,"b":2\0"c":3}', null, ['invalid']],
    ['{"a":-1.#IND,"b":-nan(ind),"c":1.#QNAN0,"d":4}', { d: 4 }, ['mended']],
    ['{"a":1.#x}', null, ['invalid']],
    ['{"a":1}\n{"a":null}\n{"a":3}', { '0.a': 1, '2.a': 3 }, []],
    ['[12:30:01] 1', null, ['invalid']],
    ['{"a":1,"b":23', { a: 1 }, ['truncated']],
    ['{"a":[1,2,3', { 'a.0': 1, 'a.1': 2 }, ['truncated']],
    ['{"a":1,"b":"x"', { a: 1, b: 'x' }, ['truncated']],
    ['{"a":1,"b', { a: 1 }, ['truncated']],
    ['{"a":1,"b":tru', { a: 1 }, ['truncated']],
    ['{"a":1}{"a":2}', { '0.a': 1, '1.a': 2 }, []],
    ['{"a":1}23}', null, ['invalid']],
    ['{"a":0x1F}', null, ['invalid']],
    ['{"a":12:30}', null, ['invalid']],
    ["{'a':1}", null, ['invalid']],
    ['{"a":"x"y","b":1}', null, ['invalid']],
    ['[1,,2]', null, ['invalid']],
  ])('%j is read as %j', (payload, fields, marks) => {
    expect(fieldsOf(payload)).toEqual(fields)
    expect(read(payload).marks).toEqual(marks)
  })

  test('whatever a text is cut to, no leaf differs from the whole', () => {
    const leaf = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string())
    const tree = fc.dictionary(fc.string(), fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.string(), leaf)))
    fc.assert(
      fc.property(tree, fc.nat(), (value, at) => {
        const text = JSON.stringify(value)
        const whole = fieldsOf(text) ?? {}
        const cut = fieldsOf(text.slice(0, Math.max(1, at % (text.length + 1)))) ?? {}
        // Of two paths that are one text ("a.b"), the second may be cut off.
        if (read(text).marks.includes('collision')) return
        for (const [path, part] of Object.entries(cut)) expect(part).toEqual(whole[path])
      }),
    )
  })
})

describe('a bare payload', () => {
  test.each([
    ['21.5 °C', { value: 21.5 }, { value: '°C' }],
    ['230V', { value: 230 }, { value: 'V' }],
    ['50 %', { value: 50 }, { value: '%' }],
    ['21.5C', { value: 21.5 }, { value: '°C' }],
    ['21.5\0\0', { value: 21.5 }, undefined],
    ['1A', { value: '1A' }, undefined],
    ['12F', { value: '12F' }, undefined],
    ['5 apples', { value: '5 apples' }, undefined],
    ['0012345', { value: '0012345' }, undefined],
    ['0.5', { value: 0.5 }, undefined],
    ['192.168.1.10', { value: '192.168.1.10' }, undefined],
    ['12:30', { value: '12:30' }, undefined],
    ['2026-01-01', { value: '2026-01-01' }, undefined],
  ])('%s is %j', (payload, fields, units) => {
    expect(fieldsOf(payload)).toEqual(fields)
    expect(read(payload).records[0]?.units).toEqual(units)
  })
})

test.each([
  ['21.5 °C', { value: 21.5 }],
  ['{"t":21.5,"unit":"°C"}', { t: 21.5, unit: '°C' }],
])('%s in ISO 8859-1 is read and marked', (text, fields) => {
  expect(fieldsOf(Buffer.from(text, 'latin1'))).toEqual(fields)
  expect(read(Buffer.from(text, 'latin1')).marks).toEqual(['mended'])
})

describe('separated values', () => {
  test.each([
    ['1;2;3', { 0: 1, 1: 2, 2: 3 }],
    ['a;007;3.50', { 0: 'a', 1: '007', 2: 3.5 }],
    [
      'time,temperature\n1,21.5\n2,22',
      { '0.time': 1, '0.temperature': 21.5, '1.time': 2, '1.temperature': 22 },
    ],
    ['1.5,2', { 0: 1.5, 1: 2 }],
    ['1;2', { 0: 1, 1: 2 }],
    ['1.234,5', { value: '1.234,5' }],
    ['12,5', { value: '12,5' }],
    ['1,234,567', { value: '1,234,567' }],
    ['Door opened, user 5, at noon', { value: 'Door opened, user 5, at noon' }],
    ['x,"a,b",2', { 0: 'x', 1: 'a,b', 2: 2 }],
  ])('%j is %j', (payload, fields) => {
    expect(fieldsOf(payload)).toEqual(fields)
  })

  test('a rule may name the columns', () => {
    const decoded = decode(Buffer.from('21.5;40'), {
      topic: 't',
      format: 'csv',
      csv: { delimiter: ';', header: ['temperature', 'humidity'] },
    })
    expect({ ...decoded.records[0]?.fields }).toEqual({ temperature: 21.5, humidity: 40 })
  })
})

describe('SenML', () => {
  test('relative times count from when the message came', () => {
    const { records } = read('[{"bn":"dev:a","u":"V","v":1,"t":-5},{"v":2}]')
    expect(records.map(({ time }) => time)).toEqual([-4000, null])
  })

  test('base value, base sum and base unit are added', () => {
    const { records } = read('[{"bn":"dev:a","bv":20,"bu":"Cel","v":1.5},{"s":3,"bs":1}]')
    expect({ ...records[0]?.fields }).toEqual({ 'dev:a': 21.5 })
    expect({ ...records[1]?.fields }).toEqual({ 'dev:a.sum': 4 })
    expect(records[0]?.units).toEqual({ 'dev:a': 'Cel' })
  })

  test.each([
    ['an array of other objects', '[{"a":1}]'],
    ['a value of the wrong type', '[{"n":"a","v":"1"}]'],
    ['a name no SenML name can be', '[{"n":"a b","v":1}]'],
  ])('%s is plain JSON', (_name, payload) => {
    expect(read(payload).format).toBe('json')
  })

  test('a pack with a label that must be understood is refused', () => {
    expect(read('[{"n":"a","v":1,"new_":2}]')).toMatchObject({ records: [], marks: ['invalid'] })
  })
})

/** The wire format of a length-delimited field or a varint below 128. */
const field = (number: number, value: number | Uint8Array | string): Buffer => {
  if (typeof value === 'number') return Buffer.from([number << 3, value])
  const bytes = Buffer.from(value as string)
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
}

describe('Sparkplug B', () => {
  const birth = field(2, Buffer.concat([field(1, 'Temperature'), field(2, 7), field(4, 3), field(10, 21)]))
  const data = field(2, Buffer.concat([field(2, 7), field(10, 22)]))

  test('an alias is resolved by the birth certificate, and marked when nobody defined it', () => {
    const aliases = createAliases({ sourcesMax: 10 })
    const at = (topic: string, payload: Buffer) => decode(payload, { topic, aliases })
    expect({ ...at('spBv1.0/G/NDATA/E', data).records[0]?.fields }).toEqual({ 'alias:7': 22 })
    expect(at('spBv1.0/G/NDATA/E', data).marks).toEqual(['unknown_alias'])
    at('spBv1.0/G/NBIRTH/E', birth)
    expect({ ...at('spBv1.0/G/NDATA/E', data).records[0]?.fields }).toEqual({ Temperature: 22 })
    expect({ ...at('spBv1.0/G/NDATA/F', data).records[0]?.fields }).toEqual({ 'alias:7': 22 })
  })

  test.each([
    [1, [0xff, 0xff, 0xff, 0xff, 0x0f], -1],
    [7, [0xff, 0xff, 0xff, 0xff, 0x0f], 4294967295],
    [3, [0xfe, 0xff, 0xff, 0xff, 0x0f], -2],
  ])('an integer of type %i has the sign its type says', (type, varint, value) => {
    const metric = Buffer.concat([field(1, 'x'), field(4, type), Buffer.from([10 << 3, ...varint])])
    expect(fieldsOf(field(2, metric), 'auto', 'spBv1.0/G/NDATA/E')).toEqual({ x: value })
  })

  test('an integer without a type whose top bit is set is left out and marked', () => {
    const metric = Buffer.concat([field(1, 'x'), Buffer.from([10 << 3, 0xff, 0xff, 0xff, 0xff, 0x0f])])
    expect(read(field(2, metric), 'auto', 'spBv1.0/G/NDATA/E')).toMatchObject({
      records: [],
      marks: ['dropped'],
    })
  })
})

describe('binary trees', () => {
  const tree = fc.dictionary(
    fc.string({ minLength: 1, unit: fc.constantFrom('a', 'b', 'c', '_', 'é') }),
    fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, min: -1e15, max: 1e15 }).map((value) => value + 0),
      fc.boolean(),
      fc.string(),
    ),
    { minKeys: 1, maxKeys: 15 },
  )

  test('a CBOR map has the fields its JSON would have', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(fieldsOf(encodeCbor(value))).toEqual(fieldsOf(JSON.stringify(value)))
      }),
    )
  })

  test('a MessagePack map has the fields its JSON would have', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(fieldsOf(encodeMsgpack(value))).toEqual(fieldsOf(JSON.stringify(value)))
      }),
    )
  })

  test.each([
    ['an array of four thousand million items', [0xa1, 0x61, 0x61, 0x9a, 0xff, 0xff, 0xff, 0xff]],
    ['a text longer than the message', [0xa1, 0x61, 0x61, 0x7a, 0x7f, 0xff, 0xff, 0xff]],
    ['MessagePack that promises as much', [0x81, 0xa1, 0x61, 0xdd, 0xff, 0xff, 0xff, 0xff]],
  ])('%s is bytes like any other', (_name, bytes) => {
    expect(read(Buffer.from(bytes))).toMatchObject({ format: 'binary', records: [] })
  })

  test('an integer beyond 2^53 keeps its digits, and a big number too', () => {
    expect(fieldsOf(Buffer.from('a161611bffffffffffffffff', 'hex'))).toEqual({ a: 18446744073709551615n })
    expect(fieldsOf(Buffer.from('a16161c249010000000000000000', 'hex'))).toEqual({ a: 18446744073709551616n })
  })
})

describe('every decoder', () => {
  const messages = readMessages()

  test.each(formats)('%s never throws and never makes more than it may of random bytes', (format) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { records } = read(bytes, format)
        expect(records.length).toBeLessThanOrEqual(10_000)
      }),
    )
  })

  test.each(formats)('%s never throws for a real message with some bytes changed', (format) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...messages.filter(({ payload }) => payload.length > 0)),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        ({ payload, topic }, changes) => {
          const changed = Buffer.from(payload)
          for (const [at, byte] of changes) changed[at % changed.length] = byte
          const { records } = read(changed, format, topic)
          for (const { fields } of records) {
            for (const value of Object.values(fields)) expect(value).not.toBeNaN()
          }
        },
      ),
    )
  })

  test.each([
    ['JSON', Buffer.from(`{"${'k'.repeat(500_000)}":[${'1,'.repeat(5000)}1]}`)],
    ['JSON lines', Buffer.from('{"a":1}\n'.repeat(100_000))],
    ['line protocol', Buffer.from('m a=1\n'.repeat(100_000))],
    ['separated values', Buffer.from('1;2;3\n'.repeat(100_000))],
    ['CBOR', Buffer.concat([Buffer.from('a161619a000f0000', 'hex'), Buffer.alloc(0xf0000, 1)])],
    ['nested CBOR', Buffer.from(`a16161${'81'.repeat(5000)}00`, 'hex')],
  ])('a message of %s that would become too much is kept raw', (_name, payload) => {
    expect(read(payload)).toMatchObject({ records: [], marks: ['too_large'] })
  })
})

function encodeCbor(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4])
  if (Number.isInteger(value) && Math.abs(value as number) < 2 ** 31) {
    return (value as number) < 0 ? head(1, -1 - (value as number)) : head(0, value as number)
  }
  if (typeof value === 'number') return double(0xfb, value)
  const entries = Object.entries(value as object)
  return Buffer.concat([
    head(5, entries.length),
    ...entries.flatMap(([key, child]) => [encodeCbor(key), encodeCbor(child)]),
  ])
}

function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value])
  const bytes = Buffer.alloc(5)
  bytes[0] = (major << 5) | 26
  bytes.writeUInt32BE(value, 1)
  return bytes
}

function double(code: number, value: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = code
  bytes.writeDoubleBE(value, 1)
  return bytes
}

function encodeMsgpack(value: unknown): Buffer {
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    return Buffer.concat([Buffer.from([0xda, text.length >> 8, text.length & 255]), text])
  }
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2])
  if (typeof value === 'number') return double(0xcb, value)
  const entries = Object.entries(value as object)
  return Buffer.concat([
    Buffer.from([0x80 | entries.length]),
    ...entries.flatMap(([key, child]) => [encodeMsgpack(key), encodeMsgpack(child)]),
  ])
}
