// Times as the page writes them.

import { expect, test } from 'vitest'
import { formatWhen } from '../../src/dashboard/words.ts'

const now = Date.parse('2026-11-28T12:00:00Z')
test.each([
  ['2026-11-28T06:00:00Z', /\d\d:\d\d:\d\d/],
  ['2026-11-14T12:00:00Z', /Nov.*\d\d:\d\d/],
  ['2023-11-14T12:00:00Z', /Nov.*2023/],
  ['1970-01-02T12:00:00Z', /1970/],
  ['9999-12-30T12:00:00Z', /9999/],
])('%s is written so that nobody takes it for another day', (time, form) => {
  expect(formatWhen(time, now)).toMatch(form)
})
