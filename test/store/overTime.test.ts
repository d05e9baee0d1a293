import fc from 'fast-check'
import { expect, test } from 'vitest'
import { overTime, type Window } from '../../src/store/overTime.ts'

/** Values, and windows that move on over them: how far each of their ends goes. */
const moving = fc.record({
  values: fc.array(fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constant(Number.NaN)), {
    minLength: 1,
    maxLength: 80,
  }),
  moves: fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 60 }),
})

test.each([
  ['min_over_time', Math.min],
  ['max_over_time', Math.max],
] as const)('%s is that of each window, and NaN only where all is NaN', (name, of) => {
  fc.assert(
    fc.property(moving, ({ values, moves }) => {
      const all = Float64Array.from(values)
      const times = new Float64Array(all.length)
      const window: Window = {
        times,
        values: all,
        from: 0,
        to: 0,
        startMs: 0,
        endMs: 0,
        extremeAt: -1,
        extremeTo: 0,
      }
      for (const [start, end] of moves) {
        window.to = Math.min(all.length, window.to + end)
        window.from = Math.min(window.to, window.from + start)
        if (window.to === window.from) continue
        const numbers = [...all.subarray(window.from, window.to)].filter((value) => !Number.isNaN(value))
        const expected = numbers.length === 0 ? Number.NaN : of(...numbers)
        expect(overTime[name]?.(window, Number.NaN)).toBe(expected)
      }
    }),
    { numRuns: 500 },
  )
})
