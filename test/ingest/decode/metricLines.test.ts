import { expect, test } from 'vitest'
import { createAutoClean } from '../../../src/ingest/clean/clean.ts'
import { decode } from '../../../src/ingest/decode/decode.ts'
import { mergedFields } from '../../../src/ingest/decode/decoded.ts'
import { createAliases } from '../../../src/ingest/decode/sparkplugAliases.ts'
import { reading } from '../../store/reading.ts'

const read = (payload: string) => decode(Buffer.from(payload), { topic: 'mon/x', receivedAt: 0 })
const at = 1795521590_000

test.each<[string, [number | null, Record<string, number>][]]>([
  ['a.b.c 12.5 1795521590', [[at, { 'a.b.c': 12.5 }]]],
  ['a.b.c 12.5 1795521590.25\n', [[at + 250, { 'a.b.c': 12.5 }]]],
  ['a.b 1 1795521590\r\na.c -2e3 1795521590\r\n', [[at, { 'a.b': 1, 'a.c': -2000 }]]],
  [
    'a.b 1 1795521580\na.b 2 1795521590\n',
    [
      [at - 10_000, { 'a.b': 1 }],
      [at, { 'a.b': 2 }],
    ],
  ],
  ['disk.used;dc=eu;host=a 42 1795521590', [[at, { 'disk.used;dc=eu;host=a': 42 }]]],
  ['a.b nan 1795521590\na.c 2 1795521590', [[at, { 'a.c': 2 }]]],
  ['a.b.c 12.5 -1', [[null, { 'a.b.c': 12.5 }]]],
])('%j of Graphite is its values, with their times', (payload, records) => {
  const { format, records: found } = read(payload)
  expect(format).toBe('graphite')
  expect(found.map(({ time, fields }) => [time, { ...fields }])).toEqual(records)
})

test.each([
  'door open 1795521590',
  'a.b 12 yesterday',
  'a.b 12 1795521590 more',
  'moved 3 -1',
  'a.b 1 1795521590\nand text',
  '12 13 1795521590',
  'a.b 12,5 1795521590',
])('%j is nothing of Graphite', (payload) => {
  expect(read(payload).format).not.toBe('graphite')
})

test.each<[string, [number | null, Record<string, number>][]]>([
  [
    '# HELP t Temperature.\n# TYPE t gauge\nt{room="a",} 21.5\nt{room="b"} 22\nup 1\n',
    [[null, { 't{room="a"}': 21.5, 't{room="b"}': 22, up: 1 }]],
  ],
  [
    'h_bucket{le="+Inf"} 3 1795521590000\nh_sum NaN\nh_count 3',
    [
      [at, { 'h_bucket{le="+Inf"}': 3 }],
      [null, { h_count: 3 }],
    ],
  ],
  [
    String.raw`m{path="C:\\a \"b\" }"} 1.5e3 # {id="x"} 1`,
    [[null, { [String.raw`m{path="C:\\a \"b\" }"}`]: 1500 }]],
  ],
])('%j of Prometheus is its values by name and labels', (payload, records) => {
  const { format, records: found } = read(payload)
  expect(format).toBe('prometheus')
  expect(found.map(({ time, fields }) => [time, { ...fields }])).toEqual(records)
})

test.each(['# TYPE t gauge', 'up 1\ndown 0', 't{room="a"} warm', 'if{x="1"} then'])(
  '%j is nothing of Prometheus',
  (payload) => {
    expect(read(payload).format).not.toBe('prometheus')
  },
)

test('lines of several moments are a reading each, and the message is stored once', () => {
  const clean = createAutoClean({ aliases: createAliases({ sourcesMax: 1 }) })
  const payload = Buffer.from('a.b 1 1795521580\na.b 2 1795521590\n')
  const made = clean(reading({ topic: 'mon', payload, receivedAt: at + 1000, time: at + 1000 }))
  expect(made.map(({ time, fields, payload: { length } }) => [time, { ...fields }, length])).toEqual([
    [at - 10_000, { 'a.b': 1 }, 0],
    [at, { 'a.b': 2 }, 0],
    [at + 1000, {}, payload.length],
  ])
})

test.each<[string, Record<string, unknown>]>([
  ['temp=21.5 hum=40 id=0012 ok=true', { temp: 21.5, hum: 40, id: '0012', ok: true }],
  ['T=21.5;H=45.2;', { T: 21.5, H: 45.2 }],
  ['t=21.5, h=nan, mac=12e5', { t: 21.5, mac: '12e5' }],
  ['t=21,5;h=40', { t: '21,5', h: 40 }],
  ['T:21.5;H:40;P:1013', { T: 21.5, H: 40, P: 1013 }],
  ['temp:-1.5,hum:45\n', { temp: -1.5, hum: 45 }],
  ['a=1\nb=2\nc=', { a: 1, b: 2 }],
])('%j is a list of names and values', (payload, fields) => {
  const decoded = read(payload)
  expect(decoded.format).toBe('pairs')
  expect({ ...mergedFields(decoded) }).toEqual(fields)
})

test.each([
  'T=21.5',
  'state: on',
  'meet at:12 then go',
  'from 12:59 to 13:10',
  'AA:BB:CC:DD:EE:FF',
  'a:1;b:2:3',
  'key=a b=c d',
  'a:on;b:off',
  'weather temp=21.5',
  'https://x/?a=1 b=2',
])('%j is no list of names and values', (payload) => {
  expect(read(payload).format).not.toBe('pairs')
})

test('a number of more digits than any counter has is the name of an equipment', () => {
  const digits = '4530303434303037313331363530363138'
  expect({ ...mergedFields(read(digits)) }).toEqual({ value: digits })
  expect({ ...mergedFields(read('18446744073709551615')) }).toEqual({ value: 18446744073709551615n })
})
