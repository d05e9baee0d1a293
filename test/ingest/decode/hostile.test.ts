// Payloads made so that a pattern looks at the same bytes again and again: a publish of 200 kB would hold up every other
// client for half a minute. Nothing is timed: such a pattern does not come to its end within the patience of the runner.

import { expect, test } from 'vitest'
import { decode } from '../../../src/ingest/decode/decode.ts'
import { fieldOf } from '../../../src/ingest/describe/homeAssistant.ts'
import { compileFields } from '../../../src/ingest/rules/fieldStep.ts'

const size = 200_000
const long = (unit: string): string => unit.repeat(Math.floor(size / unit.length))

test.each([
  ['NULs before the end', `a${long('\0')}a`],
  ['NULs after each word', `${long('a\0\0')}a`],
  ['a sentence of NMEA without a comma', `!${long('A')}`],
  ['asterisks of NMEA', `$GPGGA,${long('*')}`],
  ['sentences of NMEA with too few commas', `$GPGGA,${long('1')}\n${long('$GPGGA,1,2\n')}`],
  ['pairs of a form without an end', `${long('a=1&')}b`],
  ['a value of a form', `a=1&b=${long('%')}`],
  ['values of collectd', `1795521590.000${long(':1.5')}x`],
  ['a path of Graphite', `${long('a.')} 1 1795521590`],
  ['tags of Graphite', `a${long(';a=b')} 1 1795521590 x`],
  ['lines of Graphite that end as none', `${long('a.b 1 1795521590\n')}x`],
  ['blanks of Graphite', `a.b${long(' ')}1${long(' ')}1`],
  ['labels of Prometheus', `a{${long('a="b",')}`],
  ['a label of Prometheus', `a{a="${long('\\"')} 1`],
  ['pairs without an end', `${'a=1 '.repeat(4000)}b`],
  ['pairs with colons', `${'a:1,'.repeat(4000)}b:`],
  ['blanks between pairs', `a=1${' '.repeat(16_000)}b`],
  ['blanks behind a nan', `nan${long(' ')}x`],
  ['digits in a column', `a;b\n${long('1')}x;2`],
  ['digits of line protocol', `m f=${'1'.repeat(60_000)}x`],
  ['digits of JSON', `{"a":${long('1')}x}`],
  ['blanks behind a telegram', `/ABC5xyz\r\n\r\n!${long(' ')}x`],
  ['NULs and blanks behind a telegram', `/ABC5xyz\r\n\r\n!${long('\0 ')}x`],
  ['lines of a telegram that go on', `/ABC5xyz\r\n1.8.0(1)\n${long('(1)\n')}!`],
  ['brackets of a telegram', `/ABC5xyz\r\n1.8.0${long('(1)')}(\n!`],
  ['NULs in broken JSON', `{"a":1 x${long('\0')}}`],
  ['exclamation marks of a telegram', `/ABC5xyz\r\n\r\n${long('! ')}x`],
])('%s', (_name, text) => {
  const { records } = decode(Buffer.from(text), { topic: 't' })
  expect(records.length).toBeLessThan(2)
})

test('a telegram in a buffer of a C program is one, however long the buffer', () => {
  const telegram = `/ABC5xyz\r\n\r\n1-0:1.8.1(000123.400*kWh)\r\n!${'\0'.repeat(4096)}\r\n`
  const { format, records } = decode(Buffer.from(telegram), { topic: 't' })
  expect([format, { ...records[0]?.fields }]).toEqual(['dsmr-p1', { '1-0:1.8.1': 123.4 }])
})

test('an exclamation mark in the first line alone ends no telegram', () => {
  expect(decode(Buffer.from('/AB!1234\r\n\r\n'), { topic: 't', format: 'dsmr-p1' }).records).toEqual([])
})

test('zeros before a line break where a rule wants a number', () => {
  const step = compileFields({ value: { type: 'number' } })
  const draft = { fields: { value: `${long('0')}\n1` }, units: null, marks: null, isChanged: false }
  expect(step(draft)).toMatchObject({ field: 'value' })
})

test.each([
  `{{ value_json.a${' | d'.repeat(30)} !`,
  `{{ value_json.a${' | int '.repeat(20)} %}`,
  `{{ value_json.a${' | float ( 1 ) '.repeat(12)} x`,
  `{{ value_json.a |${' '.repeat(900)}x`,
])('a template of Home Assistant: %s', (template) => {
  expect(fieldOf(template)).toBeNull()
})
