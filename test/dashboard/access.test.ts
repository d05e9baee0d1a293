// The pages of access and data: users, tokens, the ACL tester, sizes and export, each checked where it counts: at the server.

import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkAccessibility, picture, useBrowser } from './browser.ts'

const retention = '[{"filter":"log/#","max_age_s":604800}]'
const { served, visit, connect } = useBrowser({ 'store.retention': retention })
const isLetIn = async (user: string, password: string): Promise<boolean> => {
  const headers = { authorization: `Basic ${btoa(`${user}:${password}`)}` }
  return (await fetch(`${served.url}/api/v1/me`, { headers })).status === 200
}

test('a user is added, gets another password and is removed, and each is in force at once', async () => {
  const page = await visit('access')
  await page.getByRole('button', { name: 'Add a user…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('carol')
  await dialog.getByLabel('Password', { exact: true }).fill('one')
  await dialog.getByLabel('Once more').fill('other')
  await dialog.getByRole('button', { name: 'Add' }).click()
  await dialog.getByText('The two passwords differ.').waitFor()
  await checkAccessibility(page)
  await picture(page, 'access-add-user')
  await dialog.getByLabel('Once more').fill('one')
  await dialog.getByRole('button', { name: 'Add' }).click()
  await page.getByText('carol was added.').waitFor()
  expect(await isLetIn('carol', 'one')).toBe(true)
  await page.getByRole('button', { name: 'New password for carol' }).click()
  await dialog.getByLabel('Password', { exact: true }).fill('two')
  await dialog.getByLabel('Once more').fill('two')
  await dialog.getByRole('button', { name: 'Change it' }).click()
  await page.getByText('carol has another password.').waitFor()
  expect([await isLetIn('carol', 'one'), await isLetIn('carol', 'two')]).toEqual([false, true])
  await page.getByRole('button', { name: 'Remove carol' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await page.getByText('carol was removed.').waitFor()
  expect(await isLetIn('carol', 'two')).toBe(false)
  expect(await page.getByRole('button', { name: 'Remove admin' }).count()).toBe(0)
})

test('what the server refuses is told in the dialog, which stays open', async () => {
  const page = await visit('access')
  await page.getByRole('button', { name: 'Add a user…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('ann')
  await dialog.getByLabel('Password', { exact: true }).fill('x')
  await dialog.getByLabel('Once more').fill('x')
  await dialog.getByRole('button', { name: 'Add' }).click()
  await dialog.getByText('There is a user ann already').waitFor()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Add a user…')
})

test('a token is shown once, works, and is worth nothing once revoked', async () => {
  const page = await visit('access')
  await page.getByRole('button', { name: 'Make a token…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('What it is for').fill('wall display')
  await dialog.getByLabel('Topics it reads').fill('home/#, solar/+')
  await dialog.getByRole('button', { name: 'Make it' }).click()
  const token = (await page.getByLabel('the new token', { exact: true }).innerText()).trim()
  expect(token).toMatch(/^amber_[\w-]{43}$/)
  await checkAccessibility(page)
  const status = async (): Promise<number> =>
    (
      await fetch(`${served.url}/api/v1/latest?topic=home/x`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).status
  expect(await status()).toBe(200)
  await dialog.getByRole('button', { name: 'I have it' }).click()
  expect(await page.content()).not.toContain(token)
  const row = page.getByRole('row').filter({ hasText: 'wall display' })
  await row.getByText('home/#, solar/+').waitFor()
  await row.getByRole('button', { name: 'Revoke wall display' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await row.waitFor({ state: 'detached' })
  expect(await status()).toBe(401)
})

test('the ACL tester says yes or no, and which line says so', async () => {
  const page = await visit('access')
  await page.getByLabel('User', { exact: true }).fill('ann')
  await page.getByLabel('Topic', { exact: true }).fill('home/safe/door')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByText('topic deny home/safe/#').first().waitFor()
  const lines = readFileSync(join(served.directory, 'acl'), 'utf8').split('\n')
  const line = lines.indexOf('topic deny home/safe/#') + 1
  expect(await page.locator('.deciding').first().innerText()).toContain(`acl:${line}`)
  await page.getByLabel('Topic', { exact: true }).fill('home/lamp')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByText('topic read home/#').waitFor()
  await page.getByText('no line allows it').waitFor()
  await checkAccessibility(page)
  await page.getByLabel('Topic', { exact: true }).fill('home/#')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByText(/wildcard|topic name/i).waitFor()
})

test('an export is downloaded with the session cookie, with the fields asked for', async () => {
  const device = await connect('weather')
  await device.publishAsync('garden/weather', '{"t":21.5,"h":40}', { qos: 1 })
  const page = await visit('data')
  await page.getByRole('row').filter({ hasText: 'garden' }).waitFor()
  await page.getByLabel('Topic filter').fill('garden/#')
  await page.getByLabel('Fields as columns').fill('t, h')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download', exact: true }).click()
  const text = await readFile(await (await download).path(), 'utf8')
  const [head = '', row = ''] = text.split('\n')
  expect(head).toMatch(/^topic,.*,t,h\r?$/)
  expect(row).toMatch(/^garden\/weather,.*,21.5,40\r?$/)
})

test('a backup is downloaded whole, with the session cookie', async () => {
  const page = await visit('data')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download a backup' }).click()
  const file = await download
  expect(file.suggestedFilename()).toMatch(/amber/)
  expect((await readFile(await file.path())).length).toBeGreaterThan(100)
  expect(await file.failure()).toBeNull()
})

test('readings are removed only after a count and a question', async () => {
  const device = await connect('cleaner')
  for (let n = 0; n < 3; n++) await device.publishAsync('trash/t', String(n), { qos: 1 })
  await device.publishAsync('log/a', '1', { qos: 1 })
  const page = await visit('data')
  await page.getByRole('row').filter({ hasText: 'log/#' }).getByText('for 7 d').waitFor()
  await page.getByLabel('Readings of the topics').fill('trash/#')
  await page.getByRole('button', { name: 'Count' }).click()
  await page.getByText('0 readings').waitFor()
  expect(await page.getByRole('button', { name: 'Remove them…' }).isDisabled()).toBe(true)
  await page.getByLabel('Older than').selectOption('now')
  await page.getByRole('button', { name: 'Count' }).click()
  await page.getByText('3 readings').waitFor()
  await device.publishAsync('trash/t', '4', { qos: 1 })
  await page.getByRole('button', { name: 'Remove them…' }).click()
  await checkAccessibility(page)
  await page.getByRole('dialog').getByRole('button', { name: 'Remove for good' }).click()
  await page.getByText('3 readings removed.').waitFor()
  const headers = { authorization: `Basic ${btoa('admin:secret')}` }
  const left = await fetch(`${served.url}/api/v1/readings?topic=trash/t`, { headers })
  expect(((await left.json()) as { data: { value: number }[] }).data.map(({ value }) => value)).toEqual([4])
})

test('what only those who manage the server may do with data is not offered to others', async () => {
  const page = await visit('data', {}, 'ann')
  await page.getByRole('heading', { name: /^Export/ }).waitFor()
  expect(await page.getByRole('heading', { name: /Remove readings|How long/ }).count()).toBe(0)
})

test.each([
  ['light', {}],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { phone: true }],
] as const)('access and data hold their shape in %s', async (name, looks) => {
  const device = await connect('many')
  for (const topic of [
    'zigbee2mqtt/kitchen',
    'zigbee2mqtt/cellar',
    'tele/plug/SENSOR',
    'solar/inverter',
    'a'.repeat(300),
  ]) {
    await device.publishAsync(topic, '{"t":21.5,"h":40}', { qos: 1 })
  }
  const page = await visit('access', looks)
  await page.getByLabel('User', { exact: true }).fill('ann')
  await page.getByLabel('Topic', { exact: true }).fill('home/safe/door')
  await page.getByRole('button', { name: 'Ask' }).click()
  await page.getByText('topic deny home/safe/#').first().waitFor()
  await checkAccessibility(page)
  await picture(page, `access-${name}`)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  await page.getByRole('link', { name: 'Data' }).click()
  await page.getByRole('row').filter({ hasText: 'zigbee2mqtt' }).waitFor()
  await checkAccessibility(page)
  await picture(page, `data-${name}`)
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
})
