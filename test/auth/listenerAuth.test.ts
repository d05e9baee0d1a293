import { Value } from '@sinclair/typebox/value'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { openListenerAuths } from '../../src/auth/listenerAuth.ts'
import { type ListenerConfig, listenerSchema } from '../../src/config/listener.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'

const log = pino({ level: 'silent' })

/** Warnings at start without a password file: `auth` everywhere, `listeners` with settings of their own. */
async function warningsOf(
  auth: Partial<Config['auth']>,
  listeners: readonly Partial<ListenerConfig>[],
): Promise<string[]> {
  const config = loadConfig({ flags: {}, env: {}, cwd: '/' })
  const auths = await openListenerAuths(
    {
      auth: { ...config.auth, password_file: '', ...auth },
      mqtt: {
        ...config.mqtt,
        listeners: listeners.map((one) => Value.Default(listenerSchema, { ...one }) as ListenerConfig),
      },
    },
    { log, concurrency: 1 },
  )
  onTestFinished(() => auths.close())
  return auths.all.flatMap(({ warnings }) => warnings)
}

test('without accounts, listeners that let anonymous clients in are named in the warning', async () => {
  const warnings = await warningsOf({ allow_anonymous: false }, [
    { port: 1884, allow_anonymous: true },
    { port: 1885, host: '::1', name: 'lab', allow_anonymous: true },
    { path: '/run/amber.sock', allow_anonymous: true },
    { port: 1886 },
  ])
  expect(warnings).toEqual([
    expect.stringMatching(
      /^no password file is configured and anonymous clients are allowed on the listeners \*:1884, lab, \/run\/amber\.sock only, so elsewhere, HTTP included, only client certificates and tokens get in; /,
    ),
  ])
})

test('a listener closed to anonymous clients beside an open server is the one the warning names', async () => {
  const warnings = await warningsOf({ allow_anonymous: true }, [{ port: 1884, allow_anonymous: false }])
  expect(warnings).toEqual([
    expect.stringMatching(
      /^no password file is configured and anonymous clients are not allowed on the listeners \*:1884, so there only client certificates get in; /,
    ),
  ])
})

test('without accounts and without an open listener nobody is said to get in anonymously', async () => {
  const warnings = await warningsOf({ allow_anonymous: false }, [{ port: 1884 }])
  expect(warnings).toEqual([
    expect.stringMatching(/^no password file is configured and anonymous clients are not allowed, so only /),
  ])
})
