// aedes-persistence's own abstract suite, run on the serving tier with its journal behind it.

import assert from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterAll, test as vitestTest } from 'vitest'
import { Journal } from '../../../src/broker/sessions/journal.ts'
import { SessionPersistence } from '../../../src/broker/sessions/persistence.ts'
import { SessionRegistry } from '../../../src/broker/sessions/registry.ts'
import { Staging } from '../../../src/broker/sessions/staging.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { createLog } from '../../../src/ops/log.ts'

interface SuiteTest {
  plan(count: number): void
  diagnostic(text: string): void
  assert: typeof assert
}

const require = createRequire(import.meta.url)
const abstract = require('aedes-persistence/abstract.js') as (options: {
  test: (name: string, run: (t: SuiteTest) => Promise<void>) => void
  persistence: () => Promise<object>
  testAsync: boolean
}) => void

const root = mkdtempSync(join(tmpdir(), 'amber-sessions-'))
const log = createLog({ level: 'silent', format: 'json' })
let count = 0

afterAll(() => rmSync(root, { recursive: true, force: true }))

abstract({
  testAsync: true,
  test(name, run) {
    vitestTest(name, () => run({ plan: () => {}, diagnostic: () => {}, assert }))
  },
  async persistence() {
    const db = new Level<string, string>(join(root, String(count++)))
    await db.open()
    const limits = loadConfig({ flags: {}, env: {}, cwd: root }).mqtt
    const journal = new Journal({ staging: new Staging(db), log })
    return new SessionPersistence({ registry: new SessionRegistry({ journal, limits, log }), journal })
  },
})
