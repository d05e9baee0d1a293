// The conformance page names a test in every row; each has to be there by that name.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const rows = readFileSync(join(root, 'docs/mqtt-conformance.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| statement'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

test('there are rows to look at', () => {
  expect(rows.length).toBeGreaterThan(50)
})

test.each(rows)('%s%s is shown by a test of that name', (_lead, _statement, _done, shown = '') => {
  const [file = '', name = ''] = shown.split(': ')
  expect(existsSync(join(root, file)), file).toBe(true)
  expect(name).not.toBe('')
  expect(readFileSync(join(root, file), 'utf8')).toContain(name)
})
