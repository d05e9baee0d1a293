// The page of clients, driven by real MQTT clients: who is there, what it sent, when it came and went, and showing one the door.

import { expect, test } from 'vitest'
import { spanOf, staysOf } from '../../src/dashboard/pages/stays.ts'
import { checkAccessibility, picture, useBrowser } from './browser.ts'

const { visit, connect } = useBrowser()

test('clients are shown as they come, with what they send, until they go; and why they went', async () => {
  const page = await visit('clients')
  const sensor = await connect('greenhouse-sensor', { protocolVersion: 5 })
  await sensor.subscribeAsync('greenhouse/+/set', { qos: 1 })
  const row = page.getByRole('listitem').filter({ hasText: 'greenhouse-sensor' }).first()
  await row.waitFor()
  for (let n = 0; n < 3; n++) await sensor.publishAsync('greenhouse/t', String(n), { qos: 1 })
  await row.getByText(/^in 3$/).waitFor()
  await row.getByRole('button', { name: /greenhouse-sensor/ }).click()
  await row.getByText('MQTT 5.0').waitFor()
  await row.getByText('greenhouse/+/set').waitFor()
  await row.getByText('connected from 127.0.0.1').waitFor()
  await checkAccessibility(page)
  sensor.end(true)
  await row.getByText(/the connection (was lost|broke)/).waitFor()
})

test('a client is shown the door only after a question, which Escape answers with no', async () => {
  const guest = await connect('guest/ä 1', { protocolVersion: 5 })
  let isClosed = false
  guest.on('close', () => (isClosed = true))
  const page = await visit('clients')
  const row = page.getByRole('listitem').filter({ hasText: 'guest/ä 1' }).first()
  await row.getByRole('button', { name: /guest/ }).click()
  await row.getByRole('button', { name: 'Disconnect…' }).click()
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(isClosed).toBe(false)
  await row.getByRole('button', { name: 'Disconnect…' }).click()
  await checkAccessibility(page)
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
  await page.getByText('guest/ä 1 was disconnected.').waitFor()
  await row.getByText('an administrator disconnected it').waitFor()
  expect(isClosed).toBe(true)
})

test('names that are made to harm are only text', async () => {
  await connect('<b onmouseover=alert(1)>x</b>')
  await connect('\u202Eesrever')
  const page = await visit('clients')
  await page.getByText('<b onmouseover=alert(1)>x</b>').waitFor()
  await page.getByText('\\u202eesrever').waitFor()
  expect(await page.locator('main b').count()).toBe(0)
})

test('a search finds clients by name, user and address', async () => {
  await connect('kitchen')
  await connect('cellar')
  const page = await visit('clients')
  await page.getByText('kitchen').waitFor()
  await page.getByLabel('Search clients').fill('KITCH')
  await page.getByText('cellar').waitFor({ state: 'detached' })
  expect(await page.getByText('kitchen').count()).toBeGreaterThan(0)
  await page.getByLabel('Search clients').fill('nobody')
  await page.getByText('No client fits.').waitFor()
})

test('stays are made of what is remembered, also when the beginning is not', () => {
  const event = (event: 'connected' | 'disconnected', time: number) => ({
    event,
    time: new Date(time).toISOString(),
  })
  const gone = { connected: false, since: null }
  expect(staysOf(gone, [event('disconnected', 20), event('connected', 10)], 100)).toEqual([
    { from: 10, to: 20 },
  ])
  expect(
    staysOf({ connected: true, since: new Date(50).toISOString() }, [event('connected', 50)], 100),
  ).toEqual([{ from: 50, to: 100 }])
  expect(staysOf({ connected: true, since: new Date(5).toISOString() }, [], 100)).toEqual([
    { from: 5, to: 100 },
  ])
  expect(staysOf(gone, [event('disconnected', 20)], 100)).toEqual([{ from: 0, to: 20 }])
  const taken = [event('connected', 30), event('disconnected', 30), event('connected', 10)]
  expect(staysOf({ connected: true, since: new Date(30).toISOString() }, taken, 40)).toEqual([
    { from: 30, to: 40 },
    { from: 10, to: 30 },
  ])
})

test('the bars show a round span of time that reaches back to the first event, a day at most', () => {
  const minute = 60_000
  const ago = (ms: number) => spanOf([new Date(1e12).toISOString(), new Date(1e12 - ms).toISOString()], 1e12)
  expect([ago(0), ago(16 * minute), ago(5 * 60 * minute), ago(1e9)]).toEqual([
    15 * minute,
    60 * minute,
    360 * minute,
    1440 * minute,
  ])
  expect(spanOf([], 1e12)).toBe(15 * minute)
})

test.each([
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { phone: true }],
] as const)('it holds its shape in %s', async (name, looks) => {
  for (const id of [
    'zigbee2mqtt',
    'DVES_A1B2C3',
    'owntracks-anna',
    'a-client-with-a-name-as-long-as-some-gateways-make-them-up-0123456789',
  ]) {
    const client = await connect(id)
    await client.subscribeAsync(`${id}/cmd/#`)
    await client.publishAsync('home/x', '1', { qos: 1 })
  }
  const away = await connect('sleepy', { clean: false })
  await away.subscribeAsync('home/#', { qos: 1 })
  await away.endAsync()
  await (await connect('last')).publishAsync('home/y', '1', { qos: 1 })
  const page = await visit('clients', looks)
  await page.getByRole('button', { name: /zigbee2mqtt/ }).click()
  await page.getByText('zigbee2mqtt/cmd/#').waitFor()
  await checkAccessibility(page)
  await picture(page, `clients-${name}`)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
})
