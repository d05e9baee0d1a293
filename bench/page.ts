// The page in front of 100,000 topics and 2,000 messages a second: frames a second that a real Chromium draws, and what the page
// costs the acknowledgements. Without a page, on the overview, in the tree while it scrolls: in turn, so that a busy neighbour
// meets all three. `npm run build` comes first; Chromium is Debian's.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { type Amber, account, median, withAmber } from './brokers.ts'
import type { LoadOptions, LoadResult } from './load.ts'

const executablePath = '/usr/bin/chromium'
const rounds = 3
const sites = 100
const devicesOfSite = 1000
/** Of which the page has the first 500 topics each, a page of the tree. */
const openSites = 20
const pace = 2000
const warmUpMs = 1500
const measureMs = 6000

interface Frames {
  perSecond: number
  /** Milliseconds from one frame to the next. */
  p99Ms: number
  worstMs: number
  rowsDrawn: number
}

interface Look {
  name: string
  page: Page | null
  isScrolling: boolean
}

if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing: apt-get install chromium`)
await withAmber(async (amber) => {
  await importTopics(amber)
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  })
  try {
    console.log(
      `${availableParallelism()} cores at a load of ${loadavg()[0]?.toFixed(1)}, Node ${process.version}; ${(sites * devicesOfSite).toLocaleString('en')} topics, ${pace} msg/s`,
    )
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
    await logIn(page, amber)
    const looks: Look[] = [
      { name: 'no page', page: null, isScrolling: false },
      { name: 'overview', page, isScrolling: false },
      { name: 'topics, scrolling', page, isScrolling: true },
    ]
    const found = looks.map(() => ({ loads: [] as LoadResult[], frames: [] as Frames[] }))
    for (let round = 0; round < rounds; round++) {
      for (const [i, look] of looks.entries()) {
        const { load, frames } = await measure(amber, look)
        found[i]?.loads.push(load)
        if (frames) found[i]?.frames.push(frames)
      }
    }
    for (const [i, { name }] of looks.entries()) report(name, found[i]?.loads ?? [], found[i]?.frames ?? [])
  } finally {
    await browser.close()
  }
})

async function importTopics({ httpUrl }: Amber): Promise<void> {
  const authorization = `Basic ${btoa(`${account.username}:${account.password}`)}`
  for (let site = 0; site < sites; site++) {
    const lines = Array.from(
      { length: devicesOfSite },
      (_one, device) => `{"topic":"site/${site}/device-${device}","value":${device}}`,
    )
    const response = await fetch(`${httpUrl}/api/v1/import`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    })
    const answer = (await response.json()) as { imported?: number }
    if (answer.imported !== devicesOfSite) throw new Error(`import: ${JSON.stringify(answer)}`)
  }
}

async function logIn(page: Page, { httpUrl }: Amber): Promise<void> {
  await page.goto(`${httpUrl}/#/topics`)
  await page.getByLabel('User').fill(account.username)
  await page.getByLabel('Password').fill(account.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
}

/** The tree with the levels of many sites open, below each other. */
async function openTree(page: Page, { httpUrl }: Amber): Promise<void> {
  await page.goto(`${httpUrl}/#/topics`)
  await page.getByRole('treeitem', { name: 'site', exact: true }).click()
  // From the last of them upward, so that what opens pushes nothing out of sight that is still to be opened.
  await page.getByRole('treeitem', { name: '0', exact: true }).waitFor()
  const names = await page.locator('.tree-row[aria-level="2"]').allInnerTexts()
  for (const name of names.slice(0, openSites).toReversed())
    await page.getByRole('treeitem', { name: name.trim(), exact: true }).click()
  await page.waitForFunction(
    (rows) => {
      const { document } = globalThis as unknown as Screen
      return (document.querySelector('.virtual-space')?.offsetHeight ?? 0) > 32 * rows
    },
    500 * (openSites - 1),
  )
}

async function measure(
  amber: Amber,
  { page, isScrolling }: Look,
): Promise<{ load: LoadResult; frames?: Frames }> {
  if (page && isScrolling) await openTree(page, amber)
  else if (page) await page.goto(`${amber.httpUrl}/#/overview`)
  const options: LoadOptions = {
    ...account,
    port: amber.port,
    clients: 50,
    window: 1000,
    pace,
    warmUpMs,
    measureMs,
  }
  const program = join(import.meta.dirname, 'load.ts')
  const running = promisify(execFile)(process.execPath, ['--import', 'tsx', program, JSON.stringify(options)])
  const frames = page ? await countFrames(page, isScrolling) : undefined
  const { stdout } = await running
  if (page) await page.goto('about:blank')
  return { load: JSON.parse(stdout) as LoadResult, ...(frames && { frames }) }
}

interface Box {
  offsetHeight: number
  scrollTop: number
  clientHeight: number
  scrollHeight: number
}

/** What of a browser's globals is used. */
interface Screen {
  document: { querySelector(selector: string): Box | null; querySelectorAll(selector: string): unknown[] }
  requestAnimationFrame: (callback: (time: number) => void) => number
}

/** Frames as the page itself meets them; a scrolling one moves the tree by half a screen every frame. */
function countFrames(page: Page, isScrolling: boolean): Promise<Frames> {
  return page.evaluate(
    async ([forMs, afterMs, scrolls]) => {
      await new Promise((resolve) => setTimeout(resolve, Number(afterMs)))
      const { document, requestAnimationFrame } = globalThis as unknown as Screen
      const tree = document.querySelector('[role="tree"]')
      const gaps: number[] = []
      let rowsDrawn = 0
      const started = performance.now()
      let last = started
      while (last - started < Number(forMs)) {
        const at = await new Promise<number>((resolve) => requestAnimationFrame(resolve))
        gaps.push(at - last)
        last = at
        rowsDrawn = Math.max(rowsDrawn, document.querySelectorAll('.tree-row, .feed li').length)
        if (tree && scrolls === true) {
          const isAtEnd = tree.scrollTop + tree.clientHeight >= tree.scrollHeight - 1
          tree.scrollTop = isAtEnd ? 0 : tree.scrollTop + tree.clientHeight / 2
        }
      }
      gaps.sort((a, b) => a - b)
      return {
        perSecond: (gaps.length / (last - started)) * 1000,
        p99Ms: gaps[Math.floor((gaps.length - 1) * 0.99)] ?? 0,
        worstMs: gaps.at(-1) ?? 0,
        rowsDrawn,
      }
    },
    [measureMs, warmUpMs, isScrolling] as const,
  )
}

function report(name: string, loads: readonly LoadResult[], frames: readonly Frames[]): void {
  const rates = median(loads.map((load) => load.messagesPerSecond))
  const p99s = loads.map((load) => load.p99Ms)
  const p50 = median(loads.map((load) => load.p50Ms))
  console.log(
    `${name}: ${rates.toFixed(0)} msg/s acknowledged after p50 ${p50.toFixed(1)} ms, p99 ${median(p99s).toFixed(1)} ms (rounds ${p99s.map((ms) => ms.toFixed(1)).join(', ')})`,
  )
  if (frames.length === 0) return
  const rate = frames.map(({ perSecond }) => perSecond.toFixed(1)).join(', ')
  console.log(
    `  ${median(frames.map((f) => f.perSecond)).toFixed(1)} frames/s (rounds ${rate}); from frame to frame p99 ${median(frames.map((f) => f.p99Ms)).toFixed(0)} ms, worst ${Math.max(...frames.map((f) => f.worstMs)).toFixed(0)} ms; at most ${Math.max(...frames.map((f) => f.rowsDrawn))} rows drawn`,
  )
}
