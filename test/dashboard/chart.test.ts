// The chart in a real browser: by its URL, zoomed by dragging, copied as commands that run.

import { beforeEach, expect, test } from 'vitest'
import { checkAccessibility, picture, useBrowser } from './browser.ts'

const { served, visit } = useBrowser()

const authorization = `Basic ${btoa('admin:secret')}`
const topic = 'home/kitchen/climate'
const series = `s=${encodeURIComponent(`${topic}|temperature`)}&s=${encodeURIComponent(`${topic}|humidity`)}`

/** An hour of numbers, half a minute apart, with a gap of ten minutes. */
beforeEach(async () => {
  const now = Date.now()
  const lines = Array.from({ length: 120 }, (_one, i) => {
    const value = {
      temperature: Math.round(210 + 20 * Math.sin(i / 9)) / 10,
      humidity: 44 + Math.round(6 * Math.cos(i / 14)),
    }
    return i > 60 && i < 80 ? '' : JSON.stringify({ topic, time: now - (120 - i) * 30_000, value })
  })
  const headers = { authorization, 'content-type': 'application/x-ndjson' }
  const body = lines.join('\n')
  const response = await fetch(`${served.url}/api/v1/import`, { method: 'POST', headers, body })
  expect(await response.json()).toMatchObject({ failed_total: 0 })
})

test('series are added by a part of a topic, and the address is the chart', async () => {
  const page = await visit('chart')
  await page.getByRole('button', { name: 'Add a series' }).click()
  await page.getByLabel('Part of a topic').fill('KITCHEN')
  await page.getByRole('button', { name: 'temperature' }).click()
  await page.getByRole('button', { name: 'Add a series' }).click()
  await page.getByRole('button', { name: 'humidity' }).click()
  await page.locator('.u-over').waitFor()
  await page.getByText('Mean, least and most').waitFor()
  expect(page.url()).toContain(series)
  await checkAccessibility(page)
  await picture(page, 'chart-light')
  await page.getByRole('button', { name: 'Remove home/kitchen/climate humidity' }).click()
  await expect.poll(() => page.url()).not.toContain('humidity')
})

test('dragging asks the server again for the range, by the reading where it is short, and back goes back', async () => {
  const page = await visit(`chart?${series}`)
  const plot = page.locator('.u-over')
  await page.getByText('Mean, least and most').waitFor()
  const box = await plot.boundingBox()
  if (!box) throw new Error('the chart has no box')
  await page.mouse.move(box.x + box.width * 0.4, box.y + 50)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 })
  await page.mouse.up()
  await page.getByText('Every reading').waitFor()
  const params = new URLSearchParams(new URL(page.url()).hash.split('?')[1])
  const minutes = (Number(params.get('to')) - Number(params.get('from'))) / 60_000
  expect(minutes).toBeGreaterThan(10)
  expect(minutes).toBeLessThan(14)
  await page.goBack()
  await page.getByText('Mean, least and most').waitFor()
})

test('what is shown is copied as commands that give the same', async () => {
  const page = await visit(`chart?${series}`)
  await page.getByRole('button', { name: 'Copy as…' }).click()
  const textOf = (label: string): Promise<string> => page.getByLabel(label, { exact: true }).innerText()
  const ask = async (command: string): Promise<string> => {
    const url = /["'](http[^"']*)["']/.exec(command)?.[1] ?? ''
    const answer = await fetch(url, { headers: { authorization } })
    expect(answer.status).toBe(200)
    return answer.text()
  }
  expect(JSON.parse(await ask(await textOf('curl')))).toMatchObject({
    data: [{ field: 'humidity' }, { field: 'temperature' }],
  })
  expect(await ask(await textOf('CSV'))).toMatch(
    /^topic,field,time,mean,min,max\r\nhome\/kitchen\/climate,humidity/,
  )
  expect(await ask(await textOf('pandas'))).toMatch(/^topic,field,time/)
  const [promql = ''] = (await textOf('PromQL')).split('\n')
  const end = Date.now() / 1000
  const query = new URLSearchParams({ query: promql, start: `${end - 3600}`, end: `${end}`, step: '10' })
  const found = await fetch(`${served.url}/prometheus/api/v1/query_range?${query.toString()}`, {
    headers: { authorization },
  })
  expect(await found.json()).toMatchObject({ status: 'success', data: { result: [{ metric: { topic } }] } })
})

test('a range without readings says so, a fault of the address is told', async () => {
  const page = await visit(`chart?${series}&from=1000&to=900000`)
  await page.getByText('No readings in this range').waitFor()
  await page.goto(`${served.url}/#/chart?${series}&from=900000&to=1000`)
  await page.locator('.bad-text').waitFor()
})

test.each([
  ['dark', { colorScheme: 'dark' }],
  ['phone', { phone: true }],
] as const)('the chart holds its shape in %s', async (name, looks) => {
  const page = await visit(`chart?${series}`, looks)
  await page.locator('.u-over').waitFor()
  await checkAccessibility(page)
  await picture(page, `chart-${name}`)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
})
