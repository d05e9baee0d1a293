import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configPage } from '../../src/config/page.ts'
import { configKeys } from '../../src/config/tree.ts'

test('docs/configuration.md is what the schema says (npm run docs:config writes it)', () => {
  expect(readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8')).toBe(configPage())
})

test('every key is on the page', () => {
  for (const { name } of configKeys()) expect(configPage()).toContain(`| \`${name}\` |`)
})
