// The house rules as a test: floors, opening comments, names, and pages that name everything they must.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorKinds } from '../../src/domain/errors.ts'
import { createMetrics } from '../../src/ops/metrics.ts'

const root = join(import.meta.dirname, '../..')

/** Rooms by floor; imports go down only, and rooms of one floor do not know each other. */
const floorOf: Record<string, number> = {
  domain: 0,
  ops: 0,
  config: 0,
  store: 1,
  auth: 1,
  ingest: 2,
  query: 2,
  broker: 3,
  http: 3,
  cli: 4,
  // In the browser: it knows the server by its public API alone.
  dashboard: 3,
}
const wiring = new Set(['main.ts', 'serve.ts', 'reload.ts', 'cli.ts', 'app.ts'])

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ file: normalize(file), text: readFileSync(join(root, 'src', file), 'utf8') }))

const roomOf = (file: string): string => file.split('/')[0] ?? ''

function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(/^(?:import|export)\s[^'"]*?from\s+['"](\.[^'"]+)['"]/gms)]
    .map(([, path]) => relative(join(root, 'src'), join(root, 'src', dirname(file), path ?? '')))
    .filter((path) => /\.tsx?$/.test(path))
}

describe('src', () => {
  test('there is something to look at', () => {
    expect(sources.length).toBeGreaterThan(30)
  })

  test.each(sources)('$file imports only from floors below', ({ file, text }) => {
    const room = roomOf(file)
    if (wiring.has(room)) return
    const floor = floorOf[room]
    expect(floor, `${room} has no floor`).toBeDefined()
    const wrong = importsOf(file, text).filter((path) => {
      const other = roomOf(path)
      if (other === room) return false
      const otherFloor = floorOf[other]
      return (
        otherFloor === undefined ||
        otherFloor > (floor ?? 0) ||
        (otherFloor === floor && floor !== 0 && floor !== 4)
      )
    })
    expect(wrong).toEqual([])
  })

  test('the page imports nothing of the server', () => {
    const wrong = sources
      .filter(({ file }) => roomOf(file) === 'dashboard')
      .filter(({ file, text }) => importsOf(file, text).some((path) => roomOf(path) !== 'dashboard'))
    expect(wrong.map(({ file }) => file)).toEqual([])
  })

  test.each(sources)('$file opens with a comment that says what lives there', ({ text }) => {
    expect(text.replace(/^#!.*\n/, '')).toMatch(/^(\/\/ |\/\*\*)/)
  })

  test('no file is named utils, helpers, common or index', () => {
    expect(
      sources.filter(({ file }) => /(^|\/)(utils?|helpers?|common|misc)\.ts$/.test(file)).map((s) => s.file),
    ).toEqual([])
  })

  test('no domain file imports anything but the domain', () => {
    const wrong = sources
      .filter(({ file }) => roomOf(file) === 'domain')
      .filter(
        ({ file, text }) =>
          importsOf(file, text).some((path) => roomOf(path) !== 'domain') || /from 'node:/.test(text),
      )
    expect(wrong.map((s) => s.file)).toEqual([])
  })

  test('nothing is left for later', () => {
    const marks = new RegExp([['TO', 'DO'].join(''), ['FIX', 'ME'].join(''), 'not implemented'].join('|'))
    expect(sources.filter(({ text }) => marks.test(text)).map((s) => s.file)).toEqual([])
  })
})

describe('docs', () => {
  const page = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8')

  test.each(Object.keys(errorKinds))('docs/errors.md explains the error code %s', (code) => {
    expect(page('errors.md')).toContain(`\`${code}\``)
  })

  test('docs/metrics.md names every metric', async () => {
    const text = page('metrics.md')
    const names = (await createMetrics().registry.getMetricsAsJSON()).map((metric) => metric.name)
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })

  test('docs/decisions.md gives the reason for every dependency', () => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>
    const text = page('decisions.md')
    const names = [...Object.keys(dependencies), ...Object.keys(devDependencies)]
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })

  test('every dependency is pinned to one version', () => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+/.test(version),
    )
    expect(loose).toEqual([])
  })
})
