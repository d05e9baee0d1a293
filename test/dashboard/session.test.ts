// The way in and out of the page, what is offered to whom, the first run, and a server that goes away and comes back.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { checkAccessibility, picture, useBrowser } from './browser.ts'

const { served, open, logIn, visit, connect } = useBrowser()
const openToAll = useBrowser({ 'auth.allow_anonymous': 'true' })

test('without any reading the page shows how to send the first one, with the right host and port, and turns live with it', async () => {
  const page = await visit('overview')
  await page.getByRole('heading', { name: 'Send the first message' }).waitFor()
  const port = served.app.mqtt.port
  const shown = async (tab: string): Promise<string> => {
    await page.getByRole('tab', { name: tab }).click()
    return page.getByRole('tabpanel').innerText()
  }
  expect(await shown('Command line')).toContain(`mosquitto_pub -h 127.0.0.1 -p ${port} -u admin -P PASSWORD`)
  await checkAccessibility(page)
  await picture(page, 'first-run-light')
  expect(await shown('Python')).toContain(`hostname="127.0.0.1", port=${port}`)
  expect(await shown('ESP and Arduino')).toContain(`PubSubClient mqtt("127.0.0.1", ${port}, wifi);`)
  expect(await shown('Home Assistant')).toContain(`# Broker: 127.0.0.1   Port: ${port}`)
  const device = await connect('kitchen-sensor')
  await device.publishAsync('home/kitchen/temperature', '21.5', { qos: 1 })
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.getByText('home/kitchen/temperature').first().waitFor()
  expect(await page.getByText('21.5').first().isVisible()).toBe(true)
})

test('a wrong password is told on the page, and the right one lets in with a cookie that scripts cannot see', async () => {
  const page = await open()
  await checkAccessibility(page)
  await picture(page, 'login-light')
  await page.getByLabel('User').fill('admin')
  await page.getByLabel('Password').fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByText('User name or password is wrong').waitFor()
  await logIn(page)
  const [cookie] = await page.context().cookies()
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
  expect(await page.evaluate('document.cookie')).toBe('')
  await page.reload()
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByRole('heading', { name: 'Amber' }).waitFor()
  await vi.waitFor(async () => expect(await page.context().cookies()).toEqual([]))
})

test('what a user may not do is not offered, and its address shows nothing', async () => {
  const page = await visit('clients', {}, 'ann')
  await page.getByRole('heading', { name: 'Nothing here' }).waitFor()
  const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts()
  expect(links.map((text) => text.trim())).not.toContain('Clients')
  expect(links.map((text) => text.trim())).toContain('Overview')
})

test('where nobody need log in, the page is there at once, and a name can be given all the same', async () => {
  const page = await openToAll.open()
  const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link')
  await links.first().waitFor()
  expect(await links.filter({ hasText: 'Access' }).count()).toBe(0)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Go on without a name' }).click()
  await page.getByRole('button', { name: 'Log in' }).click()
  await openToAll.logIn(page)
  await links.filter({ hasText: 'Access' }).waitFor()
})

test('a session that ended elsewhere leads back to the login', async () => {
  const page = await visit('overview')
  await page.context().clearCookies()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
})

test('a server that goes away is shown, and healed without a reload when it is back, also for what is live', async () => {
  const page = await visit('overview')
  await page.evaluate('window.isSamePage = true')
  await served.stop()
  await page.getByText('The server does not answer').waitFor()
  await served.startAgain()
  await page.getByText('The server does not answer').waitFor({ state: 'detached' })
  const device = await connect('again')
  await device.publishAsync('home/again', 'after the restart', { qos: 1 })
  await page.getByText('after the restart').waitFor()
  expect(await page.evaluate('window.isSamePage')).toBe(true)
})

test('hostile topics and payloads are shown harmlessly', async () => {
  const page = await visit('overview')
  const hostile = await connect('<img src=x onerror=alert(1)>')
  await hostile.publishAsync('home/<script>alert(1)</script>', '<img src=x onerror=alert(2)>', { qos: 1 })
  await hostile.publishAsync('home/\u202Eevil', '\u202Egnp.exe "\u0007', { qos: 1 })
  await hostile.publishAsync('home/binary', Buffer.from([0xff, 0x00, 0xfe]), { qos: 1 })
  await hostile.publishAsync('home/long', 'x'.repeat(1_000_000), { qos: 1 })
  await page.getByText('home/long').waitFor()
  await page.getByText('<script>alert(1)</script>').waitFor()
  await page.getByText('\\u202eevil').waitFor()
  await page.getByText('3 bytes').waitFor()
  expect(await page.locator('main').evaluate((main) => main.querySelectorAll('script, img').length)).toBe(0)
  expect((await page.locator('main').innerText()).length).toBeLessThan(10_000)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
})

test('the page loads nothing from elsewhere, and no other page may frame it', async () => {
  const response = await fetch(served.url)
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/unsafe|\*|https?:/)
  expect(await response.text()).not.toMatch(/https?:\/\//)
})

test('all of it is at most 90 KB compressed', async () => {
  const html = readFileSync(join(import.meta.dirname, '../../dist/dashboard/index.html'), 'utf8')
  const paths = [
    '/',
    '/icon.svg',
    ...[...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? ''),
  ]
  expect(paths.length).toBeGreaterThan(3)
  let bytes = 0
  for (const path of paths) {
    const { get } = await import('node:http')
    bytes += await new Promise<number>((resolve, reject) => {
      get(`${served.url}${path}`, { headers: { 'accept-encoding': 'br' } }, (answer) => {
        let length = 0
        expect(answer.headers['content-encoding']).toBe('br')
        answer.on('data', (chunk: Buffer) => (length += chunk.length)).on('end', () => resolve(length))
      }).on('error', reject)
    })
  }
  expect(bytes).toBeGreaterThan(5000)
  expect(bytes).toBeLessThanOrEqual(90 * 1024)
})

test.each([
  ['dark', { colorScheme: 'dark' }],
  ['phone', { phone: true }],
] as const)('login and first steps hold their shape in %s', async (name, looks) => {
  const page = await open('/', looks)
  await checkAccessibility(page)
  await picture(page, `login-${name}`)
  await logIn(page)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await checkAccessibility(page)
  await picture(page, `overview-${name}`)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
})
