import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AppError } from '../../src/domain/errors.ts'
import { formatTime, parseDuration, parseTime, timeMax, wholeText } from '../../src/domain/time.ts'

const now = Date.parse('2026-11-24T12:00:00Z')

test.each([
  ['now', now],
  ['0', 0],
  ['1764000000000', 1_764_000_000_000],
  ['-90s', now - 90_000],
  ['-15m', now - 900_000],
  ['-1h', now - 3_600_000],
  ['-7d', now - 7 * 86_400_000],
  ['now-1h', now - 3_600_000],
  ['-1h30m', now - 5_400_000],
  ['+1h', now + 3_600_000],
  ['2026-11-24T12:00:00Z', now],
  ['2026-11-24T12:00:00.250Z', now + 250],
  ['2026-11-24T13:00:00+01:00', now],
  ['2026-11-24t12:00:00z', now],
  ['2026-11-24', now - 12 * 3_600_000],
  ['2026-11-24T12:00:00', now],
  ['2026-11-24 12:00:00', now],
  ['2026-11-24+12:00:00', now],
  ['2026-11-24+13:00:00+01:00', now],
])('%s is read', (text, expected) => {
  expect(parseTime(text, now)).toBe(expected)
})

test.each([
  '',
  'yesterday',
  '2026-13-01',
  '2026-02-30',
  '2025-02-29',
  '2026-04-31T00:00:00Z',
  '1e5',
  '-1x',
  '2026-11-24T25:00:00Z',
  '99999999999999999999',
  '--1h',
  '2026-11-24+12:00',
  'NaN',
])('%j is refused, and the error says what to write', (text) => {
  expect(() => parseTime(text, now)).toThrow(AppError)
  expect(() => parseTime(text, now)).toThrow(/RFC 3339|length of time/)
})

test('what is formatted is read back, over the whole range', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: timeMax }), (ms) => {
      expect(parseTime(formatTime(ms), 0)).toBe(ms)
    }),
  )
})

test.each([
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1.5s', 1500],
  ['250', 250],
])('the length %s is %d ms', (text, expected) => {
  expect(parseDuration(text)).toBe(expected)
})

test.each(['', 'm', '5x', '-5m', '5m!'])('the length %j is refused', (text) => {
  expect(() => parseDuration(text)).toThrow(AppError)
})

test('whole numbers are written as String writes them, and others too', () => {
  const numbers = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(),
    fc.double(),
    fc.constantFrom(1e8, 1e8 - 1, 1e8 + 1, 1e15, 2 ** 53),
  )
  fc.assert(
    fc.property(numbers, (number) => {
      expect(wholeText(number)).toBe(String(number))
    }),
  )
})
