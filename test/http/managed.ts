// A real HTTP server over real files: users, an ACL, tokens and the logins of browsers, in a directory that a test may look into.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openAuth } from '../../src/auth/open.ts'
import { createTokenFile } from '../../src/auth/tokenFile.ts'
import { createUsers } from '../../src/auth/users.ts'
import { createBans } from '../../src/broker/bans.ts'
import { createLog, type Log } from '../../src/ops/log.ts'
import { startTestServer, type TestOptions } from './server.ts'

export const passwords = 'admin:secret\nann:anns\nbob:bobs\n'
export const aclText =
  'user admin\ntopic readwrite #\n\nuser ann\ntopic read home/#\ntopic deny home/safe\n\npattern write in/%u/+\n'

export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'amber-managed-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  writeFileSync(join(directory, 'passwd'), passwords)
  writeFileSync(join(directory, 'acl'), aclText)
  return directory
}

export async function startManaged(
  directory = makeDirectory(),
  options: TestOptions & { log?: Log; banAfter?: number } = {},
) {
  const log = options.log ?? createLog({ level: 'silent', format: 'json' })
  const [password_file, acl_file, tokenFile] = ['passwd', 'acl', 'tokens'].map((name) =>
    join(directory, name),
  )
  const files = { password_file: password_file ?? '', acl_file: acl_file ?? '' }
  const auth = await openAuth(
    { ...files, allow_anonymous: false, trust_user_names: false, admins: ['admin'] },
    { log, concurrency: 2 },
  )
  const bans = createBans(
    {
      ban_failed_logins: options.banAfter !== undefined,
      ban_after: options.banAfter ?? 10,
      ban_window_s: 600,
      ban_time_s: 600,
      ban_exempt: [],
    },
    { log },
  )
  const server = await startTestServer({
    ...options,
    auth,
    guard: bans,
    tokenFile: tokenFile ?? '',
    loginsFile: join(directory, 'logins'),
    access: (tokens) => {
      const reload = async (): Promise<void> => {
        await Promise.allSettled([auth.reload(), tokens.reload()])
      }
      return {
        users: createUsers(files.password_file, { reload }),
        tokens: createTokenFile(tokenFile ?? '', { reload }),
        demoAccounts: () => auth.demoAccounts,
        explain: (user, topic, clientId) => auth.explain(user, topic, clientId),
      }
    },
  })
  const stop = async (): Promise<void> => {
    await server.close()
    await auth.close()
  }
  onTestFinished(stop)
  /** Asks as a page of this server would. */
  const browse = (
    path: string,
    init: RequestInit & { cookie?: string; json?: unknown } = {},
  ): Promise<Response> => {
    const { cookie, json, ...rest } = init
    const headers = {
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'cors',
      ...(cookie === undefined ? {} : { cookie }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(init.headers as Record<string, string> | undefined),
    }
    const body = json === undefined ? {} : { body: JSON.stringify(json) }
    return fetch(`http://127.0.0.1:${server.port}${path}`, { ...rest, ...body, headers })
  }
  const logIn = async (username: string, password: string, headers: Record<string, string> = {}) => {
    const response = await browse('/api/v1/session', {
      method: 'POST',
      json: { username, password },
      headers,
    })
    const line = response.headers.get('set-cookie') ?? ''
    return { response, line, cookie: line.split(';')[0] ?? '' }
  }
  return { ...server, directory, browse, logIn, stop }
}
