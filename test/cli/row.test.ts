// Rows of the API for a table on a terminal.

import { expect, test } from 'vitest'
import { parseRow } from '../../src/cli/row.ts'

test('long integers stay as they are, also behind a payload of megabytes', () => {
  const payload = '"\\'.repeat(4_000_000)
  const line = JSON.stringify({ payload, seq: 0 }).replace(/0}$/, '1838946477110447}')
  expect(parseRow(line)).toEqual({ payload, seq: '1838946477110447' })
  expect(parseRow('{"a":-12345678901234567,"b":"12345678901234567","c":1.5}')).toEqual({
    a: '-12345678901234567',
    b: '12345678901234567',
    c: 1.5,
  })
})
