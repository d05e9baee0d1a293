// The page of rules: faults in place, what a draft would make of real messages, putting it in force, and what was refused.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkAccessibility, picture, useBrowser } from './browser.ts'

const { served, visit, connect } = useBrowser()
const good = `rules:
  - name: attic
    topic: attic/+
    tags: { room: 2 }
    fields:
      t: { unit: "°F -> °C", min: -40, max: 60, round: 1 }
      h: { unit: "%", max: 100 }
`
const bad = good.replace('topic: attic/+', 'topik: attic/+').replace('max: 60', 'max: hot')

test('a faulty draft is marked by line, a good one shows before and after, and takes force only when told to', async () => {
  const device = await connect('attic')
  await device.publishAsync('attic/north', '{"t":70.5,"h":40}', { qos: 1 })
  await device.publishAsync('attic/south', '{"t":68,"h":400}', { qos: 1 })
  const page = await visit('rules')
  const editor = page.getByLabel('Cleaning rules, YAML')
  await editor.fill(bad)
  await page.getByRole('button', { name: 'Line 3' }).waitFor()
  expect(await page.locator('.gutter .faulty').allInnerTexts()).toEqual(expect.arrayContaining(['3', '6']))
  expect(await page.getByText(/did you mean "topic"/).isVisible()).toBe(true)
  expect(await page.getByRole('button', { name: 'Put in force' }).isDisabled()).toBe(true)
  await page.getByRole('button', { name: 'Line 3' }).click()
  expect(await page.evaluate('String(getSelection())')).toBe('    topik: attic/+')
  await checkAccessibility(page)
  await picture(page, 'rules-faults')
  await editor.fill(good)
  await page.getByText('2 changed').waitFor()
  const north = page.getByRole('listitem').filter({ hasText: 'attic/north' })
  await north.getByText('t 21.4 °C').waitFor()
  await north.getByText('#room north').waitFor()
  expect(await north.locator('.removed').first().innerText()).toContain('t 70.5')
  await page.getByText('Refused by attic: h is above max 100').waitFor()
  expect(readFileSync(join(served.directory, 'rules.yaml'), 'utf8')).toBe('rules: []\n')
  await page.getByRole('button', { name: 'Put in force' }).click()
  await page.getByText('The rules are in force.').waitFor()
  await page.getByText('1 rule in force').waitFor()
  expect(readFileSync(join(served.directory, 'rules.yaml'), 'utf8')).toBe(good)
  await device.publishAsync('attic/west', '{"t":70,"h":900}', { qos: 1 })
  await page.reload()
  const refused = page.getByRole('row').filter({ hasText: 'attic/west' })
  await refused.getByText('is above max 100').waitFor()
  await page.getByLabel('Cleaning rules, YAML').fill(good.replace('max: 100', 'max: 1000'))
  await page.getByRole('button', { name: 'Put in force' }).click()
  await page.getByText('The rules are in force.').waitFor()
  await page.getByRole('button', { name: 'Replay what was refused' }).click()
  await page.getByText(/^done: .*1 made again$/).waitFor()
  await expect.poll(() => refused.count(), { timeout: 15_000 }).toBe(0)
  await checkAccessibility(page)
})

test('Enter keeps the indent, and a draft can be discarded', async () => {
  const page = await visit('rules')
  const editor = page.getByLabel('Cleaning rules, YAML')
  await editor.fill('rules:\n  - name: x')
  await page.keyboard.press('End')
  await page.keyboard.press('Enter')
  await page.keyboard.type('  topic: a')
  expect(await editor.inputValue()).toBe('rules:\n  - name: x\n    topic: a')
  await page.getByRole('button', { name: 'Discard the draft' }).click()
  expect(await editor.inputValue()).not.toContain('name: x')
})

test('messages that are made to harm are only text', async () => {
  const device = await connect('evil')
  await device.publishAsync(
    'evil/<b>x</b>',
    '{"<img src=x onerror=alert(1)>":"\u202E<script>alert(2)</script>"}',
    { qos: 1 },
  )
  const page = await visit('rules')
  await page.getByLabel('Only what changes').uncheck()
  await page.getByLabel('Topic filter').fill('evil/#')
  await page.getByText('evil/<b>x</b>').waitFor()
  expect(await page.locator('main').evaluate((main) => main.querySelectorAll('script, img, b').length)).toBe(
    0,
  )
  await page.getByLabel('Topic filter').fill('evil/#/x')
  await page.getByText(/must be the last level|not a topic filter|# must/).waitFor()
})

test.each([
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { phone: true }],
] as const)('it holds its shape in %s', async (name, looks) => {
  const device = await connect('attic')
  await device.publishAsync('attic/north', '{"t":70.5,"h":40}', { qos: 1 })
  await device.publishAsync('attic/south', '{"t":68,"h":400}', { qos: 1 })
  const page = await visit('rules', looks)
  await page.getByLabel('Cleaning rules, YAML').fill(`${good}      x: { min: 1 }\n`)
  await page
    .getByText(/changed/)
    .first()
    .waitFor()
  await page.getByLabel('Topic filter').fill('attic/#')
  await page.getByText('t 21.4 °C').first().waitFor()
  await checkAccessibility(page)
  await picture(page, `rules-${name}`)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
})
