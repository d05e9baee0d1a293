// Managing who gets in over HTTP: users, tokens and the ACL tester, for administrators alone; what is changed is in force at once.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { aclText, startManaged } from './managed.ts'

const json = { 'content-type': 'application/json' }
const post = (body: unknown) => ({ method: 'POST', headers: json, body: JSON.stringify(body) })
const put = (body: unknown) => ({ method: 'PUT', headers: json, body: JSON.stringify(body) })
const remove = { method: 'DELETE' }
type Ask = Awaited<ReturnType<typeof startManaged>>['ask']
const as = (ask: Ask, user: string, password: string, path = '/api/v1/me') =>
  ask(path, { user: null, headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` } })

describe('users', () => {
  test('are listed with how their passwords are kept, and without them', async () => {
    const { ask } = await startManaged()
    const text = await (await ask('/api/v1/users')).text()
    expect(JSON.parse(text)).toEqual({
      data: [
        { name: 'admin', admin: true, hash: 'plain', demo_password: false },
        { name: 'ann', admin: false, hash: 'plain', demo_password: false },
        { name: 'bob', admin: false, hash: 'plain', demo_password: false },
      ],
    })
    expect(text).not.toMatch(/secret|anns|bobs/)
  })

  test('are added, changed and removed, each in force when the answer comes, in the file as amber passwd writes it', async () => {
    const { ask, directory } = await startManaged()
    const file = join(directory, 'passwd')
    expect((await ask('/api/v1/users', post({ name: 'cy', password: 'one' }))).status).toBe(201)
    expect((await as(ask, 'cy', 'one')).status).toBe(200)
    expect(readFileSync(file, 'utf8')).toMatch(/^admin:secret\nann:anns\nbob:bobs\ncy:\$argon2id\$.*\n$/)
    expect((await ask('/api/v1/users/cy/password', put({ password: 'two' }))).status).toBe(204)
    expect((await as(ask, 'cy', 'one')).status).toBe(401)
    expect((await as(ask, 'cy', 'two')).status).toBe(200)
    expect((await ask('/api/v1/users/cy', remove)).status).toBe(204)
    expect((await as(ask, 'cy', 'two')).status).toBe(401)
    expect(readFileSync(file, 'utf8')).toBe('admin:secret\nann:anns\nbob:bobs\n')
    expect(statSync(file).mode & 0o111).toBe(0)
  })

  test('of many changes at one time none is lost', async () => {
    const { ask } = await startManaged()
    const names = Array.from({ length: 8 }, (_one, n) => `user ${n}`)
    const answers = await Promise.all(
      names.map((name) => ask('/api/v1/users', post({ name, password: 'x' }))),
    )
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 201))
    const { data } = (await (await ask('/api/v1/users')).json()) as { data: { name: string }[] }
    expect(data.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
  })

  test.each([
    ['a user that is there already', 'POST', '', { name: 'ann', password: 'x' }, 409, /already/],
    ['a name with a colon', 'POST', '', { name: 'a:b', password: 'x' }, 400, /":"/],
    ['a name with a line end', 'POST', '', { name: 'a\nroot', password: 'x' }, 400, /control/],
    ['a comment for a name', 'POST', '', { name: '#a', password: 'x' }, 400, /#/],
    ['half a surrogate pair for a name', 'POST', '', { name: '\ud800', password: 'x' }, 400, /name/],
    ['no password', 'POST', '', { name: 'cy', password: '' }, 400, /password/],
    ['a hash for a user', 'POST', '', { name: 'cy', hash: '$7$' }, 400, /hash|password/],
    ['nothing', 'POST', '', null, 400, /./],
    ['the password of nobody', 'PUT', '/zed/password', { password: 'x' }, 404, /zed/],
    ['an empty password', 'PUT', '/ann/password', { password: '' }, 400, /password/],
    ['nobody', 'DELETE', '/zed', undefined, 404, /zed/],
    ['a path for a name', 'DELETE', '/..%2f..%2fpasswd', undefined, 404, /no user/],
    ['themselves', 'DELETE', '/admin', undefined, 409, /yourself/],
  ])('%s is refused, and the file stays as it is', async (_what, method, path, body, status, detail) => {
    const { ask, directory } = await startManaged()
    const before = readFileSync(join(directory, 'passwd'), 'utf8')
    const init = body === undefined ? { method } : { method, headers: json, body: JSON.stringify(body) }
    const response = await ask(`/api/v1/users${path}`, init)
    const problem = (await response.json()) as { detail: string }
    expect(response.status, problem.detail).toBe(status)
    expect(problem.detail).toMatch(detail)
    expect(readFileSync(join(directory, 'passwd'), 'utf8')).toBe(before)
  })
})

describe('tokens', () => {
  test('are shown once, work at once, and are worth nothing once revoked', async () => {
    const { ask, directory } = await startManaged()
    const made = await ask('/api/v1/tokens', post({ name: 'wall', read: ['home/#'], expires: '90d' }))
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    const { token, ...entry } = (await made.json()) as { token: string; expires: string }
    expect(entry).toMatchObject({ name: 'wall', read: ['home/#'], write: [], admin: false })
    expect(Date.parse(entry.expires) - Date.now()).toBeGreaterThan(89 * 86_400_000)
    const asToken = (path: string) => ask(path, { user: null, headers: { authorization: `Bearer ${token}` } })
    expect((await asToken('/api/v1/latest?topic=home/x')).status).toBe(200)
    const listed = await (await ask('/api/v1/tokens')).text()
    expect(JSON.parse(listed)).toEqual({ data: [entry] })
    expect(listed + readFileSync(join(directory, 'tokens'), 'utf8')).not.toContain(token)
    expect((await ask('/api/v1/tokens/wall', remove)).status).toBe(204)
    expect((await asToken('/api/v1/latest')).status).toBe(401)
  })

  test.each([
    ['no topics', { name: 'x' }, 400],
    ['a bad filter', { name: 'x', read: ['a/#/b'] }, 400],
    ['no name', { name: '', read: ['a'] }, 400],
    ['a name with spaces around it', { name: ' x', read: ['a'] }, 400],
    ['a name with a line end', { name: 'x\n{}', read: ['a'] }, 400],
    ['an end in the past', { name: 'x', read: ['a'], expires: '-1d' }, 400],
    ['an end without a unit', { name: 'x', read: ['a'], expires: '90' }, 400],
    ['a hash of its own', { name: 'x', read: ['a'], sha256: '0'.repeat(64) }, 400],
    ['topics that are no list', { name: 'x', read: '#' }, 400],
  ])('a token with %s is refused', async (_what, body, status) => {
    const { ask } = await startManaged()
    expect((await ask('/api/v1/tokens', post(body))).status).toBe(status)
    expect(await (await ask('/api/v1/tokens')).json()).toEqual({ data: [] })
  })

  test('a name is given once', async () => {
    const { ask } = await startManaged()
    const request = post({ name: 'x', read: ['a'], expires: 'never' })
    expect((await ask('/api/v1/tokens', request)).status).toBe(201)
    expect((await ask('/api/v1/tokens', request)).status).toBe(409)
    expect((await ask('/api/v1/tokens/y', remove)).status).toBe(404)
  })
})

describe('the ACL tester', () => {
  const line = (text: string): number => aclText.split('\n').indexOf(text) + 1
  test.each([
    ['user=ann&topic=home/a', 'read', true, 'topic read home/#'],
    ['user=ann&topic=home/a', 'write', false, null],
    ['user=ann&topic=home/safe', 'read', false, 'topic deny home/safe'],
    ['user=ann&topic=in/ann/x', 'write', true, 'pattern write in/%25u/+'],
    ['user=admin&topic=any/thing', 'write', true, 'topic readwrite %23'],
    ['user=zed&topic=in/zed/x', 'write', true, 'pattern write in/%25u/+'],
    ['topic=home/a', 'read', false, null],
    ['user=admin&topic=$SYS/x', 'write', false, null],
  ] as const)('says of %s whether it may %s, and by which line', async (query, what, allowed, text) => {
    const { ask, directory } = await startManaged()
    const answer = (await (await ask(`/api/v1/access?${query}`)).json()) as Record<string, unknown>
    const decided = text === null ? null : decodeURIComponent(text)
    expect(answer[what]).toMatchObject({
      allowed,
      file: decided === null ? null : join(directory, 'acl'),
      line: decided === null ? null : line(decided),
      text: decided,
    })
    expect(answer['known']).toBe(query.startsWith('user=a'))
  })

  test('says what a token may, and by which filter', async () => {
    const { ask } = await startManaged()
    await ask('/api/v1/tokens', post({ name: 'wall', read: ['home/#'] }))
    expect(await (await ask('/api/v1/access?token=wall&topic=home/a')).json()).toMatchObject({
      known: true,
      read: { allowed: true, reason: expect.stringContaining('home/#') as string },
      write: { allowed: false },
    })
    expect((await ask('/api/v1/access?token=none&topic=a')).status).toBe(404)
  })

  test.each(['', 'topic=', 'topic=a/%23', 'topic=a%00', 'topic=a&user=x&token=y', 'topic=a&who=x'])(
    'refuses the question "%s"',
    async (query) => {
      const { ask } = await startManaged()
      expect((await ask(`/api/v1/access?${query}`)).status).toBe(400)
    },
  )
})

test('only administrators manage users and tokens, and ask about access', async () => {
  const { ask, directory } = await startManaged()
  const before = readFileSync(join(directory, 'passwd'), 'utf8')
  const authorization = `Basic ${btoa('ann:anns')}`
  const requests: [string, RequestInit][] = [
    ['/api/v1/users', {}],
    ['/api/v1/users', post({ name: 'cy', password: 'x' })],
    ['/api/v1/users/ann/password', put({ password: 'x' })],
    ['/api/v1/users/bob', remove],
    ['/api/v1/tokens', {}],
    ['/api/v1/tokens', post({ name: 'x', read: ['#'] })],
    ['/api/v1/tokens/x', remove],
    ['/api/v1/access?topic=a', {}],
  ]
  for (const [path, init] of requests) {
    const headers = { ...(init.headers as Record<string, string>), authorization }
    expect((await ask(path, { ...init, user: null, headers })).status, path).toBe(403)
    const nobody = { ...init, user: null }
    expect((await ask(path, nobody)).status, path).toBe(401)
  }
  expect(readFileSync(join(directory, 'passwd'), 'utf8')).toBe(before)
})
