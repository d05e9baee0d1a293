// The tree of topics and the chosen one, in a real browser with real devices.

import type { Page, Request } from 'playwright-core'
import { expect, test } from 'vitest'
import { checkAccessibility, picture, useBrowser } from './browser.ts'

const { served, visit, connect } = useBrowser()

const climate = 'home/kitchen/climate'

async function publishAll(topics: readonly string[], payload: string | Buffer): Promise<void> {
  const device = await connect('device')
  await Promise.all(topics.map((topic) => device.publishAsync(topic, payload, { qos: 1 })))
}

test('the tree opens level by level with live values; the chosen topic shows what changed, its past, and publishes', async () => {
  await publishAll(
    [climate, 'home/kitchen/plug', 'home/kitchen', 'garden/rain'],
    '{"temperature":20.5,"state":"ON"}',
  )
  const page = await visit('topics')
  await page.getByRole('treeitem', { name: 'home', exact: true }).click()
  await page
    .getByRole('treeitem', { name: /^kitchen/ })
    .locator('.twist')
    .click()
  await page.getByRole('treeitem', { name: /^plug.*20\.5/ }).waitFor()
  await page.getByRole('treeitem', { name: /^climate/ }).click()
  const detail = page.getByRole('region', { name: `Topic ${climate}` })
  await detail.getByText('"temperature": 20.5').waitFor()
  const device = await connect('sensor')
  await device.publishAsync(climate, '{"temperature":21.5,"state":"ON"}', { qos: 1 })
  await detail.locator('.line.new', { hasText: '"temperature": 21.5' }).waitFor()
  await detail.locator('.line.gone', { hasText: '"temperature": 20.5' }).waitFor()
  await page.getByRole('treeitem', { name: /^climate.*21\.5/ }).waitFor()
  await detail.getByText('temperature, the last 24 hours').waitFor()
  const fields = await detail.getByRole('region', { name: 'Fields' }).boundingBox()
  expect(fields?.height).toBeGreaterThan(60)
  await checkAccessibility(page)
  await picture(page, 'topics-light')
  await device.subscribeAsync(climate)
  const arrived = new Promise<string>((resolve) => {
    device.once('message', (_topic, payload) => resolve(String(payload)))
  })
  await detail.getByLabel('Publish to this topic').fill('hello')
  await detail.getByRole('button', { name: 'Publish' }).click()
  expect(await arrived).toBe('hello')
  await page.getByText(/Published and stored as reading \d+/).waitFor()
  await page.getByRole('tree').focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('region', { name: 'Topic home/kitchen/plug' }).waitFor()
})

test('a search finds topics by a part of their names', async () => {
  await publishAll(['garden/rain', 'garden/sun'], '1')
  const page = await visit('topics')
  await page.getByLabel('Search topics').fill('RAIN')
  await expect.poll(() => page.getByRole('treeitem').count()).toBe(1)
  await page.getByRole('treeitem', { name: /^garden\/rain/ }).click()
  await page.getByRole('region', { name: 'Topic garden/rain' }).waitFor()
  expect(page.url()).toContain('topic=garden%2Frain')
})

test('who may not publish is offered no box, and sees only what may be read', async () => {
  await publishAll([climate, 'home/safe/code', 'secret/x'], '1')
  const page = await visit(`topics?topic=${encodeURIComponent(climate)}`, {}, 'ann')
  await page
    .getByRole('region', { name: `Topic ${climate}` })
    .getByText('+ 1')
    .or(page.locator('.line'))
    .first()
    .waitFor()
  await page.getByRole('treeitem', { name: 'home', exact: true }).click()
  await page.getByRole('treeitem', { name: /^kitchen/ }).waitFor()
  const names = await page.getByRole('treeitem').allInnerTexts()
  expect(names.join(' ')).not.toMatch(/secret|safe/)
  expect(await page.getByRole('button', { name: 'Publish' }).count()).toBe(0)
})

test('twenty thousand topics on one level scroll with a few dozen rows at a time', async () => {
  const lines = Array.from({ length: 20_000 }, (_one, i) => `{"topic":"many/t${i}","value":${i}}`)
  const response = await fetch(`${served.url}/api/v1/import`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa('admin:secret')}`,
      'content-type': 'application/x-ndjson',
    },
    body: lines.join('\n'),
  })
  expect(await response.json()).toMatchObject({ imported: 20_000 })
  const page = await visit('topics')
  await page.getByRole('treeitem', { name: 'many', exact: true }).click()
  await page.getByRole('treeitem', { name: /^t0/ }).waitFor()
  const tree = page.getByRole('tree')
  for (let n = 0; n < 3; n++) {
    await tree.evaluate((box) => box.scrollTo(0, box.scrollHeight))
    const more = page.getByRole('button', { name: 'More of this level…' })
    await more.click()
    await more.waitFor({ state: 'detached' })
  }
  expect(await page.getByRole('treeitem').count()).toBeLessThan(100)
  await tree.evaluate((box) => box.scrollTo(0, box.scrollHeight))
  await page.getByRole('button', { name: 'More of this level…' }).waitFor()
})

test('names and payloads that want to be more than text are text', async () => {
  const evil = '<img src=x onerror=alert(1)>'
  const topics = [
    `evil/${evil}`,
    'evil/\u202egnp.exe',
    `evil/${'x'.repeat(5000)}`,
    'evil/__proto__',
    'evil/two\nlines',
    'evil/" onload="x',
  ]
  await publishAll(topics, evil)
  await publishAll(['evil/large'], JSON.stringify({ text: 'y'.repeat(1_000_000) }))
  await publishAll(['evil/bytes'], Buffer.from([0, 255, 1, 254]))
  const page = await visit('topics')
  for (const topic of [...topics, 'evil/large', 'evil/bytes']) {
    await page.goto(`${served.url}/#/topics?topic=${encodeURIComponent(topic)}`)
    await page.locator('.payload').waitFor()
  }
  expect(await page.locator('main').evaluate((main) => main.querySelectorAll('script, img').length)).toBe(0)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
})

test.each([
  ['dark', { colorScheme: 'dark' }],
  ['phone', { phone: true }],
] as const)('a topic holds its shape in %s', async (name, looks) => {
  await publishAll([climate], '{"temperature":20.5,"state":"ON"}')
  await publishAll([climate], '{"temperature":21.5,"state":"ON"}')
  const page = await visit(`topics?topic=${encodeURIComponent(climate)}`, looks)
  await page.getByText('temperature, the last 24 hours').waitFor()
  await checkAccessibility(page)
  await picture(page, `topics-${name}`)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
})

test('a topic in the tree shows its last hour and the unit of its value', async () => {
  const line = (minutes: number, value: number): string =>
    `{"topic":"hall/temperature","time":"${new Date(Date.now() - minutes * 60_000).toISOString()}","payload":"${value}"}\n`
  const body = [50, 40, 30, 20, 10].map((minutes) => line(minutes, 20 + Math.sin(minutes) * 2)).join('')
  const headers = { authorization: `Basic ${btoa('admin:secret')}`, 'content-type': 'application/x-ndjson' }
  const sent = await fetch(`${served.url}/api/v1/import`, { method: 'POST', body, headers })
  expect(await sent.json()).toMatchObject({ imported: 5 })
  const device = await connect('announcer')
  const config = { stat_t: 'hall/temperature', unit_of_meas: '°C', name: 'Hall' }
  await device.publishAsync('homeassistant/sensor/hall/config', JSON.stringify(config), { qos: 1 })
  await device.publishAsync('hall/temperature', '21.5', { qos: 1 })
  const page = await visit('topics?q=hall/')
  const row = page.getByRole('treeitem', { name: /hall\/temperature.*21\.5 °C/ })
  await row.waitFor()
  await row.getByRole('img', { name: 'value, the last hour' }).waitFor()
  await checkAccessibility(page)
  await picture(page, 'topics-sparkline-light')
})

/** How often the page asked for the path, while `act` went on. */
async function countAsked(page: Page, path: string, act: () => Promise<void>): Promise<number> {
  let count = 0
  const onRequest = (request: Request): void => {
    if (request.url().includes(path)) count++
  }
  page.on('request', onRequest)
  await act()
  page.off('request', onRequest)
  return count
}

test('a list that rushes by asks for no values, and has them when it stands', async () => {
  await publishAll(
    Array.from({ length: 400 }, (_one, i) => `rush/t${String(i).padStart(3, '0')}`),
    '7',
  )
  const page = await visit('topics')
  await page.getByRole('treeitem', { name: 'rush', exact: true }).click()
  await page.getByRole('treeitem', { name: /^t000.*7/ }).waitFor()
  const asked = await countAsked(page, '/api/v1/latest', () =>
    page.getByRole('tree').evaluate(async (box) => {
      for (let n = 0; n < 60; n++) {
        await new Promise((resolve) => setTimeout(resolve, 16))
        box.scrollTop += 100
      }
    }),
  )
  // A frame may come late on a busy machine, and then the list has stood still.
  expect(asked).toBeLessThan(15)
  await page.getByRole('tree').evaluate((box) => box.scrollTo(0, box.scrollHeight))
  await page.getByRole('treeitem', { name: /^t399.*7/ }).waitFor()
})

test('open levels are asked for again only when the server has other topics', async () => {
  await publishAll(['level/a', 'level/b'], '1')
  const page = await visit('topics', { clock: true })
  await page.getByRole('treeitem', { name: 'level', exact: true }).click()
  await page.getByRole('treeitem', { name: /^a/ }).waitFor()
  // A look at the statistics is over, with the levels it asked for, before the next one begins.
  const asked: string[] = []
  page.on('request', (request) => {
    const path = /api\/v1\/(stats|tree)/.exec(request.url())?.[1]
    if (path !== undefined) asked.push(path)
  })
  const looks = (): number => asked.filter((path) => path === 'stats').length
  const look = async (): Promise<void> => {
    const before = looks()
    await expect
      .poll(async () => {
        await page.clock.fastForward(5000)
        return looks()
      })
      .toBeGreaterThan(before)
  }
  await look()
  await look()
  const settled = asked.length
  await look()
  await look()
  expect(asked.slice(settled)).not.toContain('tree')
  await publishAll(['level/c'], '1')
  await look()
  await page.getByRole('treeitem', { name: /^c/ }).waitFor()
})
