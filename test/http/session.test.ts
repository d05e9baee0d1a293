// Browsers that log in: the cookie, who may use it, how long, what ends it, and what a page is told about its user.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { expect, test, vi } from 'vitest'
import { createToken, formatTokenFile } from '../../src/auth/tokens.ts'
import { openBrowserSessions } from '../../src/http/browserSessions.ts'
import { createLog } from '../../src/ops/log.ts'
import { openEvents } from './events.ts'
import { makeDirectory, startManaged } from './managed.ts'

const silent = createLog({ level: 'silent', format: 'json' })

test('a login sets a cookie that scripts and other sites cannot use, and it stands for the user', async () => {
  const { logIn, browse, port } = await startManaged()
  const { response, line, cookie } = await logIn('ann', 'anns')
  expect(response.status).toBe(204)
  expect(line).toMatch(
    new RegExp(`^amber_session_${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=3(600|599)$`),
  )
  const me = await browse('/api/v1/me?topic=home/a&topic=home/safe&topic=in/ann/x', { cookie })
  expect(await me.json()).toMatchObject({
    kind: 'user',
    name: 'ann',
    admin: false,
    demo_password: false,
    session_ends: expect.stringMatching(/^20\d\d-/) as string,
    manages: { users: false, tokens: false, rules: false },
    topics: [
      { topic: 'home/a', read: true, publish: false },
      { topic: 'home/safe', read: false, publish: false },
      { topic: 'in/ann/x', read: false, publish: true },
    ],
    server: { listeners: [{ protocol: 'mqtt', tls: false, port: 1883 }] },
  })
  expect((await browse('/api/v1/latest?topic=home/safe', { cookie })).status).toBe(403)
})

test('behind TLS the cookie is Secure and bound to its host', async () => {
  const { logIn, browse, port } = await startManaged()
  const { line, cookie } = await logIn('ann', 'anns', { 'x-forwarded-proto': 'https' })
  expect(line).toMatch(new RegExp(`^__Host-amber_session_${port}=`))
  expect(line).toMatch(/; Secure$/)
  expect((await browse('/api/v1/me', { cookie, headers: { 'x-forwarded-proto': 'https' } })).status).toBe(200)
  expect((await browse('/api/v1/me', { cookie })).status).toBe(401)
})

test('a wrong password gives no cookie, and no window of the browser asks for another', async () => {
  const { logIn, browse } = await startManaged()
  const { response, line } = await logIn('ann', 'wrong')
  expect([response.status, line]).toEqual([401, ''])
  expect(response.headers.get('www-authenticate')).toBeNull()
  const me = await browse('/api/v1/me')
  expect([me.status, me.headers.get('www-authenticate')]).toEqual([401, null])
})

test.each<[string, Record<string, string>, number]>([
  ['the page itself', { 'sec-fetch-site': 'same-origin' }, 200],
  ['another site', { 'sec-fetch-site': 'cross-site' }, 403],
  ['a neighbouring site', { 'sec-fetch-site': 'same-site' }, 403],
  ['an address typed by hand', { 'sec-fetch-site': 'none' }, 403],
  ['nobody knows where', {}, 403],
  ['another origin, without TLS', { origin: 'http://evil.example' }, 403],
  ['no origin at all', { origin: 'null' }, 403],
])('a change with the cookie that comes from %s is answered rightly', async (_from, headers, status) => {
  const { logIn, port, ask } = await startManaged()
  const { cookie } = await logIn('admin', 'secret')
  const init = { method: 'POST', user: null, body: '{"topic":"a","payload":"1"}' }
  const all = { cookie, 'content-type': 'application/json', ...headers }
  expect((await ask('/api/v1/publish', { ...init, headers: all })).status).toBe(status)
  expect((await ask('/api/v1/session', { method: 'DELETE', user: null, headers: all })).status).toBe(
    status === 200 ? 204 : 403,
  )
  expect(port).toBeGreaterThan(0)
})

test('without TLS the Origin says that it is the page itself', async () => {
  const { logIn, port, ask } = await startManaged()
  const { cookie } = await logIn('admin', 'secret')
  const headers = { cookie, 'content-type': 'application/json', origin: `http://127.0.0.1:${port}` }
  const publish = { method: 'POST', user: null, headers, body: '{"topic":"a","payload":"1"}' }
  expect((await ask('/api/v1/publish', publish)).status).toBe(200)
})

test('another site cannot log its visitors in', async () => {
  const { logIn } = await startManaged()
  const { response, line } = await logIn('ann', 'anns', { 'sec-fetch-site': 'cross-site' })
  expect([response.status, line]).toEqual([403, ''])
})

test('logging out ends the cookie and the streams opened with it', async () => {
  const { logIn, browse, port } = await startManaged()
  const { cookie } = await logIn('ann', 'anns')
  const stream = await openEvents(`http://127.0.0.1:${port}/api/v1/stream`, { cookie })
  expect(stream.status).toBe(200)
  const out = await browse('/api/v1/session', { method: 'DELETE', cookie })
  expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')])
  await stream.ended
  expect(stream.events.at(-1)?.event).toBe('unauthorized')
  expect((await browse('/api/v1/me', { cookie })).status).toBe(401)
})

test('a new password ends the sessions and streams that came in with the old one', async () => {
  const { logIn, browse, port, directory } = await startManaged()
  const { cookie } = await logIn('ann', 'anns')
  const bobs = await logIn('bob', 'bobs')
  const stream = await openEvents(`http://127.0.0.1:${port}/api/v1/stream`, { cookie })
  writeFileSync(join(directory, 'passwd'), 'admin:secret\nann:other\nbob:bobs\n')
  await stream.ended
  expect((await browse('/api/v1/me', { cookie })).status).toBe(401)
  expect((await browse('/api/v1/me', { cookie: bobs.cookie })).status).toBe(200)
})

test('a restart throws nobody out, save those whose password was changed meanwhile', async () => {
  const directory = makeDirectory()
  const first = await startManaged(directory)
  const ann = await first.logIn('ann', 'anns')
  const bob = await first.logIn('bob', 'bobs')
  await first.stop()
  const file = join(directory, 'logins')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const secretOf = (cookie: string): string => cookie.split('=')[1] ?? ''
  expect(readFileSync(file, 'utf8')).not.toContain(secretOf(ann.cookie))
  writeFileSync(join(directory, 'passwd'), 'admin:secret\nann:anns\nbob:changed\n')
  const second = await startManaged(directory)
  const cookie = (secret: string) => `amber_session_${second.port}=${secretOf(secret)}`
  expect((await second.browse('/api/v1/me', { cookie: cookie(ann.cookie) })).status).toBe(200)
  expect((await second.browse('/api/v1/me', { cookie: cookie(bob.cookie) })).status).toBe(401)
})

test.each(['', 'no JSON\n', '{"sha256":"x"}\n', '\u0000\u0000'])(
  'a damaged file of logins (%j) begins anew',
  async (text) => {
    const directory = makeDirectory()
    writeFileSync(join(directory, 'logins'), text)
    const { logIn } = await startManaged(directory)
    expect((await logIn('ann', 'anns')).response.status).toBe(204)
  },
)

test('a token logs a browser in as well, and its end is the end of the session', async () => {
  const directory = makeDirectory()
  const { token, entry } = createToken({
    name: 'wall',
    read: ['home/#'],
    write: [],
    admin: false,
    created: '2026-01-01T00:00:00Z',
    expires: null,
  })
  writeFileSync(join(directory, 'tokens'), formatTokenFile([entry]))
  const { browse } = await startManaged(directory)
  const response = await browse('/api/v1/session', { method: 'POST', json: { token } })
  const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  expect(await (await browse('/api/v1/me', { cookie })).json()).toMatchObject({ kind: 'token', name: 'wall' })
  writeFileSync(join(directory, 'tokens'), '')
  await vi.waitFor(async () => expect((await browse('/api/v1/me', { cookie })).status).toBe(401), 5000)
})

test('failed logins lead to a ban as those over MQTT do, and an open session goes on', async () => {
  const { logIn, browse, ask } = await startManaged(undefined, { banAfter: 3 })
  const { cookie } = await logIn('ann', 'anns')
  for (let n = 0; n < 3; n++) expect((await logIn('ann', 'wrong')).response.status).toBe(401)
  const banned = await logIn('ann', 'anns')
  expect(banned.response.status).toBe(429)
  expect(await banned.response.json()).toMatchObject({ code: 'rate_limited' })
  expect((await ask('/api/v1/latest')).status).toBe(429)
  expect((await browse('/api/v1/me', { cookie })).status).toBe(200)
})

test('a login leaves an audit line with the user and without the password', async () => {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const { logIn } = await startManaged(undefined, { log })
  await logIn('ann', 'anns')
  await logIn('ann', 'wrong-password')
  await vi.waitFor(() => expect(lines.filter((line) => line.includes('"audit"'))).toHaveLength(2))
  const [inLine, outLine] = lines
    .filter((line) => line.includes('"audit"'))
    .map((line) => JSON.parse(line) as object)
  expect(inLine).toMatchObject({ audit: 'POST /api/v1/session', user: 'ann', status: 204 })
  expect(outLine).toMatchObject({ audit: 'POST /api/v1/session', user: null, status: 401 })
  expect(lines.join('')).not.toMatch(/anns|wrong-password/)
})

test.each([
  ['nothing', ''],
  ['no object', '5'],
  ['half an object', '{"username":"ann"'],
  ['no password', '{"username":"ann"}'],
  ['a number for a name', '{"username":1,"password":"x"}'],
  ['both a token and a password', '{"username":"ann","password":"anns","token":"x"}'],
  ['an unknown member', '{"username":"ann","password":"anns","admin":true}'],
  ['__proto__', '{"__proto__":{"username":"ann","password":"anns"}}'],
  ['a very long name', `{"username":"${'x'.repeat(70_000)}","password":"x"}`],
])('a login of %s is refused without a fault', async (_name, body) => {
  const { browse } = await startManaged(undefined, { http: { max_body_size: 100_000 } })
  const headers = { 'content-type': 'application/json' }
  const response = await browse('/api/v1/session', { method: 'POST', body, headers })
  expect(response.status).toBe(400)
  expect(response.headers.get('set-cookie')).toBeNull()
})

test.each([
  ['nothing', ''],
  ['one letter', 'x'],
  ['9000 letters', 'x'.repeat(9000)],
  ['attributes', '"; Max-Age=1'],
  ['escapes', '%00%ff'],
])('a cookie of %s lets nobody in', async (_name, value) => {
  const { browse, port } = await startManaged()
  expect((await browse('/api/v1/me', { cookie: `amber_session_${port}=${value}` })).status).toBe(401)
})

test('a session ends with its lifetime, and earlier when nobody uses it', async () => {
  let time = 1_000_000
  const principal = {
    kind: 'user',
    name: 'ann',
    admin: false,
    mayRead: () => true,
    mayWrite: () => true,
  } as const
  const kept = { proofOf: () => 'proof', resume: () => null, stillHolds: () => true }
  const sessions = await openBrowserSessions(
    '',
    { lifetimeMs: 1000, idleMs: 400, sessionsMax: 2 },
    { auth: kept, tokens: kept, log: silent, now: () => time },
  )
  const { secret } = (await sessions.begin(principal)) ?? { secret: '' }
  time += 300
  expect(sessions.find(secret)?.principal).toBe(principal)
  time += 300
  expect(sessions.find(secret)).not.toBeNull()
  time += 399
  expect(sessions.find(secret)).not.toBeNull()
  time += 1
  expect(sessions.find(secret)).toBeNull()
  const idle = (await sessions.begin(principal))?.secret ?? ''
  time += 400
  expect(sessions.find(idle)).toBeNull()
  await sessions.close()
})

test('of more sessions than there may be, the one that was idle longest ends', async () => {
  let time = 0
  const principal = {
    kind: 'user',
    name: 'ann',
    admin: false,
    mayRead: () => true,
    mayWrite: () => true,
  } as const
  const kept = { proofOf: () => 'proof', resume: () => null, stillHolds: () => true }
  const sessions = await openBrowserSessions(
    '',
    { lifetimeMs: 1e6, idleMs: 1e6, sessionsMax: 2 },
    { auth: kept, tokens: kept, log: silent, now: () => time++ },
  )
  const [a = '', b = ''] = [
    (await sessions.begin(principal))?.secret,
    (await sessions.begin(principal))?.secret,
  ]
  expect(sessions.find(a)).not.toBeNull()
  const c = (await sessions.begin(principal))?.secret ?? ''
  expect([a, b, c].map((secret) => sessions.find(secret) !== null)).toEqual([true, false, true])
  await sessions.close()
})
