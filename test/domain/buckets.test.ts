// Buckets of time over days on which the clock is changed, checked against the formatter that people's calendars use.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketsOf, parseInterval } from '../../src/domain/buckets.ts'
import { openZone } from '../../src/domain/zone.ts'

const starts = (from: string, to: string, every: string, tz = 'UTC'): string[] =>
  Array.from(
    bucketsOf(Date.parse(from), Date.parse(to), parseInterval(every), openZone(tz), 100_000).starts,
    (start) => new Date(start).toISOString().replace(':00.000Z', 'Z'),
  )

test.each([
  ['5m', 'UTC', '2026-01-01T00:02Z', '2026-01-01T00:11Z', ['00:00', '00:05', '00:10']],
  ['1h', 'Asia/Kolkata', '2026-01-01T00:00Z', '2026-01-01T01:30Z', ['23:30', '00:30']],
  ['90s', 'UTC', '2026-01-01T00:00Z', '2026-01-01T00:03Z', ['00:00', '00:01:30.000']],
])('%s in %s is laid on the wall clock', (every, tz, from, to, expected) => {
  expect(starts(from, to, every, tz).map((text) => text.slice(11).replace('Z', ''))).toEqual(expected)
})

test.each([
  [
    'spring forward',
    '2026-03-28T12:00Z',
    ['2026-03-27T23:00Z', '2026-03-28T23:00Z', '2026-03-29T22:00Z'],
    23,
  ],
  ['fall back', '2026-10-24T12:00Z', ['2026-10-23T22:00Z', '2026-10-24T22:00Z', '2026-10-25T23:00Z'], 25],
])('a day of Berlin at %s has its own length', (_name, from, expected, hours) => {
  const days = starts(from, new Date(Date.parse(from) + 2 * 86_400_000).toISOString(), '1d', 'Europe/Berlin')
  expect(days.slice(0, 3)).toEqual(expected)
  expect((Date.parse(expected[2] ?? '') - Date.parse(expected[1] ?? '')) / 3_600_000).toBe(hours)
})

test('a day without a midnight begins when the clock jumps, and a second midnight begins no second day', () => {
  const zone = openZone('America/Sao_Paulo')
  const day = bucketsOf(
    Date.parse('2018-11-04T12:00Z'),
    Date.parse('2018-11-05T12:00Z'),
    { unit: 'd', count: 1 },
    zone,
    10,
  )
  expect(new Date(day.starts[0] ?? 0).toISOString()).toBe('2018-11-04T03:00:00.000Z')
  // In Havana the clock goes from 01:00 back to 00:00.
  const havana = starts('2026-11-01T03:00Z', '2026-11-02T12:00Z', '1d', 'America/Havana')
  expect(havana).toEqual(['2026-10-31T04:00Z', '2026-11-01T04:00Z', '2026-11-02T05:00Z'])
  expect(starts('2026-11-01T05:30Z', '2026-11-01T06:00Z', '1d', 'America/Havana')).toEqual([
    '2026-11-01T04:00Z',
  ])
})

test('weeks begin on Monday, months and quarters on the first', () => {
  expect(starts('2026-11-24T00:00Z', '2026-12-01T00:00Z', '1w')).toEqual([
    '2026-11-23T00:00Z',
    '2026-11-30T00:00Z',
  ])
  expect(starts('2026-11-24T00:00Z', '2027-01-02T00:00Z', '1mo', 'Europe/Berlin')).toEqual([
    '2026-10-31T23:00Z',
    '2026-11-30T23:00Z',
    '2026-12-31T23:00Z',
  ])
  expect(starts('2026-11-24T00:00Z', '2027-01-02T00:00Z', '3mo')).toEqual([
    '2026-10-01T00:00Z',
    '2027-01-01T00:00Z',
  ])
  expect(starts('2026-11-24T00:00Z', '2027-01-02T00:00Z', '1y')).toEqual([
    '2026-01-01T00:00Z',
    '2027-01-01T00:00Z',
  ])
  expect(starts('2026-11-24T00:00Z', '2026-11-25T00:00Z', 'all')).toEqual(['2026-11-24T00:00Z'])
})

test.each(['0s', '0d', '', 'x', '-1h', '1q', '9999999999y'])('"%s" is no length of a bucket', (text) => {
  expect(() => parseInterval(text)).toThrowError(expect.objectContaining({ code: 'bad_time' }))
})

test('more buckets than allowed are refused, also by the calendar', () => {
  for (const every of ['1ms', '1d'])
    expect(() => bucketsOf(0, 1e12, parseInterval(every), openZone('Europe/Berlin'), 100)).toThrowError(
      expect.objectContaining({ code: 'query_limit' }),
    )
})

const zones = [
  'Europe/Berlin',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Africa/Casablanca',
  'Asia/Kolkata',
  'UTC',
]
const times = fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2035, 0) })

test('a day that a place has left out is no bucket', () => {
  // Samoa went from 29 to 31 December 2011, over the date line.
  const from = Date.parse('2011-12-29T00:00:00-10:00')
  const { edges } = bucketsOf(
    from,
    from + 2 * 86_400_000,
    { unit: 'd', count: 1 },
    openZone('Pacific/Apia'),
    10,
  )
  expect(Array.from(edges, (edge) => new Date(edge).toISOString())).toEqual([
    '2011-12-29T10:00:00.000Z',
    '2011-12-30T10:00:00.000Z',
    '2011-12-31T10:00:00.000Z',
  ])
})

test('every day bucket begins at the first instant of its day, and edges are ascending and hold the range', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      times,
      fc.integer({ min: 1, max: 10 * 86_400_000 }),
      (name, from, length) => {
        const format = new Intl.DateTimeFormat('sv-SE', { timeZone: name, dateStyle: 'short' })
        const { starts: days, edges } = bucketsOf(
          from,
          from + length,
          { unit: 'd', count: 1 },
          openZone(name),
          100,
        )
        for (const day of days) expect(format.format(day)).not.toBe(format.format(day - 1))
        expect(edges[0]).toBe(from)
        expect(edges.at(-1)).toBe(from + length)
        for (let at = 1; at < edges.length; at++) expect(edges[at]).toBeGreaterThan(edges[at - 1] ?? 0)
        for (let at = 1; at < days.length; at++) {
          const between = ((days[at] ?? 0) - (days[at - 1] ?? 0)) / 3_600_000
          expect(between).toBeGreaterThanOrEqual(22)
          expect(between).toBeLessThanOrEqual(name === 'Pacific/Apia' ? 49 : 26)
        }
      },
    ),
  )
})

test('the offset of a zone is the one the formatter shows', () => {
  fc.assert(
    fc.property(fc.constantFrom(...zones), times, (name, time) => {
      const shown = new Intl.DateTimeFormat('sv-SE', {
        timeZone: name,
        dateStyle: 'short',
        timeStyle: 'medium',
      })
      const local = Date.parse(`${shown.format(time).replace(' ', 'T')}Z`)
      expect(Math.floor((time + openZone(name).offsetAt(time)) / 1000) * 1000).toBe(local)
    }),
  )
})
