// Metrics of Sparkplug B that hold more than one value, written by protobufjs from the definition that the specification gives.

import protobuf from 'protobufjs'
import { expect, test } from 'vitest'
import { decode } from '../../../src/ingest/decode/decode.ts'
import { createAliases } from '../../../src/ingest/decode/sparkplugAliases.ts'

const definition = `syntax = "proto2"; package s;
message Payload { optional uint64 timestamp = 1; repeated Metric metrics = 2; optional uint64 seq = 3; }
message Metric { optional string name = 1; optional uint64 alias = 2; optional uint64 timestamp = 3; optional uint32 datatype = 4;
  optional bool is_historical = 5; optional bool is_transient = 6; optional bool is_null = 7; optional PropertySet properties = 9;
  oneof value { uint32 int_value = 10; uint64 long_value = 11; float float_value = 12; double double_value = 13; bool boolean_value = 14;
    string string_value = 15; bytes bytes_value = 16; DataSet dataset_value = 17; Template template_value = 18; } }
message Template { optional string version = 1; repeated Metric metrics = 2; repeated Parameter parameters = 3; optional string template_ref = 4;
  optional bool is_definition = 5; }
message Parameter { optional string name = 1; optional uint32 type = 2; oneof value { uint32 int_value = 3; uint64 long_value = 4;
  float float_value = 5; double double_value = 6; bool boolean_value = 7; string string_value = 8; } }
message DataSet { optional uint64 num_of_columns = 1; repeated string columns = 2; repeated uint32 types = 3; repeated Row rows = 4; }
message Row { repeated Cell elements = 1; }
message Cell { oneof value { uint32 int_value = 1; uint64 long_value = 2; float float_value = 3; double double_value = 4; bool boolean_value = 5;
  string string_value = 6; } }
message PropertySet { repeated string keys = 1; repeated PropertyValue values = 2; }
message PropertyValue { optional uint32 type = 1; optional bool is_null = 2; oneof value { uint32 int_value = 3; uint64 long_value = 4;
  float float_value = 5; double double_value = 6; bool boolean_value = 7; string string_value = 8; PropertySet propertyset_value = 9; } }`
const Payload = protobuf.parse(definition, { keepCase: true }).root.lookupType('s.Payload')
const at = 1795521590_000
const read = (metrics: unknown[]) => {
  const payload = Payload.encode(Payload.fromObject({ timestamp: at, seq: 1, metrics })).finish()
  return decode(payload, { topic: 'spBv1.0/g/DDATA/e/d', receivedAt: at })
}
const recordsOf = (metrics: unknown[]) =>
  read(metrics).records.map(({ time, fields, units }) => [
    time,
    { ...fields },
    ...(units ? [{ ...units }] : []),
  ])
const [int32, float, text, dataset, template] = [3, 9, 12, 16, 19]

test('a template in a template is its members by path, and its parameters', () => {
  const pump = {
    metrics: [
      { name: 'rpm', datatype: int32, int_value: 1200 },
      { name: 'state', datatype: text, string_value: 'on' },
    ],
    parameters: [{ name: 'index', type: int32, int_value: 7 }],
    template_ref: 'Pump',
  }
  const station = {
    metrics: [
      { name: 'pump', datatype: template, template_value: pump },
      { name: 'level', datatype: float, float_value: 1.5 },
    ],
  }
  expect(recordsOf([{ name: 'station', datatype: template, template_value: station }])).toEqual([
    [
      at,
      { 'station.pump.rpm': 1200, 'station.pump.state': 'on', 'station.pump.index': 7, 'station.level': 1.5 },
    ],
  ])
})

test('members of a template have their own times', () => {
  const value = {
    metrics: [
      { name: 'a', datatype: int32, int_value: 1, timestamp: at - 5000 },
      { name: 'b', datatype: int32, int_value: 2 },
    ],
  }
  expect(recordsOf([{ name: 'm', timestamp: at - 1000, datatype: template, template_value: value }])).toEqual(
    [
      [at - 5000, { 'm.a': 1 }],
      [at - 1000, { 'm.b': 2 }],
    ],
  )
})

test('a member without a name is called by its alias', () => {
  const value = { metrics: [{ alias: 12, datatype: int32, int_value: 1 }] }
  const decoded = read([{ name: 'm', datatype: template, template_value: value }])
  expect({ ...decoded.records[0]?.fields }).toEqual({ 'm.alias:12': 1 })
  expect(decoded.marks).toEqual(['unknown_alias'])
})

test('the definition of a template has no values', () => {
  const value = { is_definition: true, metrics: [{ name: 'a', datatype: int32, int_value: 0 }] }
  expect(
    recordsOf([
      { name: 'T', datatype: template, template_value: value },
      { name: 'x', datatype: int32, int_value: 1 },
    ]),
  ).toEqual([[at, { x: 1 }]])
})

test('a data set is its cells by row and column, with the sign their type says', () => {
  const value = {
    num_of_columns: 3,
    columns: ['t', 'n', 'ok'],
    types: [10, 4, 11],
    rows: [
      { elements: [{ double_value: 21.5 }, { long_value: '18446744073709551615' }, { boolean_value: true }] },
      { elements: [{ double_value: Number.NaN }, { long_value: '9007199254740993' }, {}] },
    ],
  }
  expect(recordsOf([{ name: 'ds', datatype: dataset, dataset_value: value }])).toEqual([
    [at, { 'ds.0.t': 21.5, 'ds.0.n': -1, 'ds.0.ok': true, 'ds.1.n': 9007199254740993n }],
  ])
})

test('the unit of a metric is in its properties', () => {
  const properties = {
    keys: ['engHigh', 'engUnit'],
    values: [
      { type: 10, double_value: 100 },
      { type: text, string_value: '°C' },
    ],
  }
  expect(recordsOf([{ name: 't', datatype: float, float_value: 21.5, properties }])).toEqual([
    [at, { t: 21.5 }, { t: '°C' }],
  ])
})

test.each([
  [0, []],
  [500, []],
  [192, [[at, { t: 21.5 }]]],
])('a value of quality %i is %j', (quality, records) => {
  const properties = { keys: ['Quality'], values: [{ type: int32, int_value: quality }] }
  const decoded = read([{ name: 't', datatype: float, float_value: 21.5, properties }])
  expect(decoded.records.map(({ time, fields }) => [time, { ...fields }])).toEqual(records)
  expect(decoded.marks).toEqual(quality === 192 ? [] : ['dropped'])
})

test('templates deeper than may be have no fields', () => {
  let metric: Record<string, unknown> = { name: 'x', datatype: int32, int_value: 1 }
  for (let depth = 0; depth < 40; depth++)
    metric = { name: 'm', datatype: template, template_value: { metrics: [metric] } }
  expect(read([metric])).toMatchObject({ records: [], marks: ['too_large'] })
})

test('a data set of more cells than a message may have has no fields', () => {
  const rows = Array.from({ length: 10_001 }, (_, row) => ({ elements: [{ int_value: row }] }))
  const value = { num_of_columns: 1, columns: ['a'], types: [int32], rows }
  expect(read([{ name: 'ds', datatype: dataset, dataset_value: value }])).toMatchObject({
    records: [],
    marks: ['too_large'],
  })
})

test('the unit that a birth gave is that of later values of the same device, until the next birth', () => {
  const aliases = createAliases({ sourcesMax: 10 })
  const unitsOf = (topic: string, metric: object) => {
    const metrics = [{ datatype: float, float_value: 1.5, ...metric }]
    const payload = Payload.encode(Payload.fromObject({ timestamp: at, seq: 1, metrics })).finish()
    const [record] = decode(payload, { topic: `spBv1.0/g/${topic}`, receivedAt: at, aliases }).records
    return record?.units && { ...record.units }
  }
  const properties = (unit: string) => ({
    properties: { keys: ['engUnit'], values: [{ type: text, string_value: unit }] },
  })
  expect(unitsOf('DBIRTH/e/d', { name: 't', alias: 1, ...properties('°C') })).toEqual({ t: '°C' })
  expect(unitsOf('DDATA/e/d', { alias: 1 })).toEqual({ t: '°C' })
  expect(unitsOf('DDATA/e/d', { name: 't' })).toEqual({ t: '°C' })
  expect(unitsOf('DDATA/e/d', { name: 't', ...properties('K') })).toEqual({ t: 'K' })
  expect(unitsOf('DDATA/e/d', { name: 'other' })).toBeUndefined()
  expect(unitsOf('DDATA/e/d2', { name: 't' })).toBeUndefined()
  unitsOf('DBIRTH/e/d', { name: 't', alias: 1 })
  expect(unitsOf('DDATA/e/d', { alias: 1 })).toBeUndefined()
})
