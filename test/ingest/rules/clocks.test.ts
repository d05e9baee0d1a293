// Clocks of devices: the zone a message names beside its time, and clocks that were never set.

import { describe, expect, test } from 'vitest'
import { applier } from './apply.ts'

const now = Date.parse('2026-11-24T12:00:00Z')
const at = Date.parse('2026-11-24T11:59:50Z')
const clean = applier('profiles: [timestamps]\nzone: Europe/Berlin\n')
const timeOf = async (payload: object, rules = clean) =>
  (await rules('t', JSON.stringify(payload), now))[0]?.time

describe('a time without an offset is meant where the message says', () => {
  test.each([
    [{ time: '2026-11-24 11:59:50', timezone: 'Europe/London' }],
    [{ timezone: 'Asia/Tokyo', time: '2026-11-24T20:59:50' }],
    [{ time: '2026-11-24 06:59:50', tz: 'EST' }],
    [{ time: '2026-11-24 17:29:50', utc_offset: '+05:30' }],
    [{ time: '2026-11-24 13:59:50', tz: 'UTC+2' }],
    [{ time: '2026-11-24 11:59:50', zone: 'UTC' }],
    [{ time: '2026-11-24 20:59:50', utc_offset_seconds: 32_400 }],
    [{ obs_time: '2026-11-24 20:59:50', timezone: 'Asia/Tokyo' }],
  ])('%j', async (payload) => expect(await timeOf(payload)).toBe(at))

  test.each([
    ['its own offset counts', { time: '2026-11-24T12:59:50+01:00', timezone: 'Asia/Tokyo' }],
    ['its own Z counts', { time: '2026-11-24T11:59:50Z', timezone: 'Asia/Tokyo' }],
    ['a number is of no zone', { time: at / 1000, timezone: 'Asia/Tokyo' }],
    ['a name that says UTC counts', { time_utc: '2026-11-24T11:59:50', timezone: 'Asia/Tokyo' }],
    ['a zone of a house is none', { time: '2026-11-24 12:59:50', zone: 'kitchen' }],
    ['a number of hours may have either sign', { time: '2026-11-24 12:59:50', tz: 9 }],
    ['a name of several zones says nothing', { time: '2026-11-24 12:59:50', tz: 'IST' }],
    ['no such place', { time: '2026-11-24 12:59:50', tz: 'Europe/Atlantis' }],
  ])('%s: %j', async (_name, payload) => expect(await timeOf(payload)).toBe(at))

  test('but a rule that says where counts before the message', async () => {
    const rule = applier('rules:\n  - { name: r, topic: t, time: { path: time, zone: UTC } }\n')
    expect(await timeOf({ time: '2026-11-24 11:59:50', tz: 'Asia/Tokyo' }, rule)).toBe(at)
  })
})

describe('a clock that was never set begins at the new year of its maker', () => {
  test.each([
    ['2019-01-01T00:03:12Z'],
    ['2010-01-01 00:00:07+00:00'],
    ['2019-01-01 00:03:12'],
    [Date.parse('2018-01-01T00:59:00Z') / 1000],
  ])('%s is no time', async (time) => expect(await timeOf({ time })).toBe(now))

  test.each([
    ['2019-01-01T00:00:00Z', '2019-01-01T00:00:00Z'],
    ['2019-01-01T01:30:00Z', '2019-01-01T01:30:00Z'],
    ['2019-01-02T00:03:12Z', '2019-01-02T00:03:12Z'],
    ['2026-01-01T00:03:12Z', '2026-01-01T00:03:12Z'],
  ])('%s is one', async (time, is) => expect(await timeOf({ time })).toBe(Date.parse(is)))

  test('and a rule that says how old a time may be takes it', async () => {
    const rule = applier('rules:\n  - { name: r, topic: t, time: { path: time, max_age: 20y } }\n')
    expect(await timeOf({ time: '2019-01-01T00:03:12Z' }, rule)).toBe(Date.parse('2019-01-01T00:03:12Z'))
  })
})
