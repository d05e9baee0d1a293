// The real server in this process, on free ports and in memory, for commands that talk to one.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll } from 'vitest'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'

export interface Served {
  app: App
  mqttPort: string
  url: string
}

/** Starts before the tests of a file and stops after them. */
export function useServer(): Served {
  const served: Partial<Served> = {}
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'amber-cli-'))
    await writeFile(join(directory, 'passwd'), 'ann:S3cret\n')
    const flags = {
      'mqtt.port': '0',
      'http.port': '0',
      'mqtt.host': '127.0.0.1',
      'http.host': '127.0.0.1',
      'store.path': join(directory, 'data'),
      'auth.password_file': join(directory, 'passwd'),
    }
    const config = loadConfig({ flags, env: {}, cwd: directory })
    served.app = await startApp(config, { log: pino({ level: 'silent' }), program: 'amber' })
    served.mqttPort = String(served.app.mqtt.port)
    served.url = `http://127.0.0.1:${served.app.http.port}`
  })
  afterAll(async () => {
    await served.app?.stop()
    await rm(directory, { recursive: true, force: true })
  })
  return served as Served
}
