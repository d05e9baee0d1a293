// A real Chromium in front of a real server that serves the built page. Whoever has no Chromium is told so, loudly.

import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import pino from 'pino'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const built = join(import.meta.dirname, '../../dist/dashboard/index.html')

export interface Served {
  app: App
  url: string
  directory: string
  /** Stops the server; `startAgain` brings it back on the same ports and data. */
  stop(): Promise<void>
  startAgain(): Promise<void>
}

export interface Looks {
  colorScheme?: 'light' | 'dark'
  phone?: boolean
  /** The page's clock can be moved on (`page.clock`). */
  clock?: boolean
}

/** Accounts: `admin`, who manages the server, and `ann`, who may read `home/#`; both with the password `secret`. */
const passwords = 'admin:secret\nann:secret\n'
const acl = 'user admin\ntopic readwrite #\n\nuser ann\ntopic read home/#\ntopic deny home/safe/#\n'

export function useBrowser(flags: Record<string, string> = {}) {
  const served: Partial<Served> = {}
  let browser: Browser
  beforeAll(async () => {
    if (executablePath === undefined || !existsSync(built)) {
      throw new Error(
        'these tests need Chromium (apt-get install chromium) and the built page (npm run build)',
      )
    }
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    })
    Object.assign(served, await serve(flags))
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await served.stop?.()
    if (served.directory !== undefined) await rm(served.directory, { recursive: true, force: true })
  })
  /** A page of a browser of its own, closed after the test. Anything the page logs as an error fails the test. */
  const open = async (path = '/', looks: Looks = {}): Promise<Page> => {
    const context = await browser.newContext({
      colorScheme: looks.colorScheme ?? 'light',
      viewport: looks.phone === true ? { width: 390, height: 844 } : { width: 1280, height: 860 },
      deviceScaleFactor: looks.phone === true ? 2 : 1,
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    })
    onTestFinished(() => context.close())
    return openIn(context, `${served.url}${path}`, looks.clock)
  }
  const logIn = async (page: Page, user = 'admin'): Promise<void> => {
    await page.getByLabel('User').fill(user)
    await page.getByLabel('Password').fill('secret')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  }
  /** Logged in, on a page of the page. */
  const visit = async (name: string, looks: Looks = {}, user = 'admin'): Promise<Page> => {
    const page = await open(`/#/${name}`, looks)
    await logIn(page, user)
    return page
  }
  const connect = async (clientId: string, options: IClientOptions = {}): Promise<MqttClient> => {
    const client = await connectAsync(`mqtt://127.0.0.1:${served.app?.mqtt.port}`, {
      clientId,
      username: 'admin',
      password: 'secret',
      reconnectPeriod: 0,
      ...options,
    })
    client.on('error', () => undefined)
    onTestFinished(() => void client.end(true))
    return client
  }
  return { served: served as Served, open, logIn, visit, connect }
}

/** What Chromium says of answers and connections: servers refuse, stop and go away in these tests. */
const expected = /Failed to load resource|EventSource's response/

async function openIn(context: BrowserContext, url: string, hasClock = false): Promise<Page> {
  const page = await context.newPage()
  if (hasClock) await page.clock.install()
  // Below the limit of a test, so that what was waited for is named.
  page.setDefaultTimeout(10_000)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) faults.push(message.text())
  })
  page.on('dialog', (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  onTestFinished(() => expect(faults).toEqual([]))
  await page.goto(url)
  return page
}

/** No finding of axe-core, also in the colours. */
export async function checkAccessibility(page: Page): Promise<void> {
  await page.evaluate(axeSource)
  const findings = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
        }>
      }
    }
    const { violations } = await axe.run()
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      where: nodes
        .slice(0, 3)
        .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary.slice(0, 300)}`),
    }))
  })
  expect(findings).toEqual([])
}

/** Into the folder that AMBER_SCREENSHOTS names; without it none is taken. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['AMBER_SCREENSHOTS']
  if (folder === undefined) return
  await page.evaluate('scrollTo(0, 0)')
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

async function serve(more: Record<string, string>): Promise<Served> {
  const directory = await mkdtemp(join(tmpdir(), 'amber-page-'))
  await writeFile(join(directory, 'passwd'), passwords)
  await writeFile(join(directory, 'acl'), acl)
  await writeFile(join(directory, 'rules.yaml'), 'rules: []\n')
  const flags = {
    'mqtt.host': '127.0.0.1',
    'http.host': '127.0.0.1',
    'store.path': join(directory, 'data'),
    'auth.password_file': join(directory, 'passwd'),
    'auth.acl_file': join(directory, 'acl'),
    'auth.token_file': join(directory, 'tokens'),
    'rules.file': join(directory, 'rules.yaml'),
    ...more,
  }
  const start = (mqtt: number, http: number): Promise<App> =>
    startApp(
      loadConfig({
        flags: { ...flags, 'mqtt.port': String(mqtt), 'http.port': String(http) },
        env: {},
        cwd: directory,
      }),
      { log: pino({ level: 'silent' }), program: 'amber' },
    )
  let app = await start(0, 0)
  const ports = { mqtt: app.mqtt.port, http: app.http.port }
  return {
    get app() {
      return app
    },
    url: `http://127.0.0.1:${ports.http}`,
    directory,
    stop: () => app.stop(),
    async startAgain() {
      app = await start(ports.mqtt, ports.http)
    },
  }
}
