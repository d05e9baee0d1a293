// POST /api/v2/write: what is right in a batch is stored, and every line that is wrong is told by number, column and reason.

import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { startTestServer } from './server.ts'

const server = await startTestServer({ http: { max_body_size: 10_000_000 } })
afterAll(() => server.close())

const write = (body: string | Uint8Array, init: { user?: string; headers?: Record<string, string> } = {}) =>
  server.ask('/api/v2/write?precision=s', {
    method: 'POST',
    ...init,
    headers: { 'content-type': 'text/plain', ...init.headers },
    body,
  })

test.each([
  ['m', 2, 'there is no field'],
  [',a=b v=1', 1, 'the measurement is missing'],
  ['m= v=1', 2, 'measurement is written \\='],
  ['m,a v=1', 3, 'the tag "a" has no =value'],
  ['m,=b v=1', 3, 'a tag has no name'],
  ['m,a= v=1', 5, 'the tag "a" has no value'],
  ['m,a=b=c v=1', 6, 'a = in the value of a tag'],
  ['m,a=b v', 7, 'the field "v" has no =value'],
  ['m v=', 5, 'the field "v" has no value'],
  ['m =1', 3, 'a field has no name'],
  ['m v=1,w=abc', 9, 'the value abc of the field "w" is no number'],
  ['m v=1, w=2', 7, 'a field has no name'],
  ['m v="open', 5, 'has no closing "'],
  ['m v="a"b', 8, 'neither a comma nor a space'],
  ['m v=1 12x', 7, 'the time 12x is no whole number'],
  ['m v=1 99999999999999999999', 7, 'is no whole number of at most 19 digits'],
  ['m v=1 9999999999999999999', 7, 'the time is out of range; is precision= right?'],
  ['  m v=x', 7, 'the value x of the field "v"'],
  ['$SYS v=1', 1, 'start with $'],
])('%s is refused at column %d: %s', async (line, column, message) => {
  const answer = await write(`# first\n${line}\n`)
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    {
      detail: expect.stringContaining('nothing was written'),
      errors: [{ path: `line 2, column ${column}`, message: expect.stringContaining(message) }],
    },
  ])
})

test('the right lines of a batch are stored, and the wrong ones named', async () => {
  const answer = await write('open,n=1 v=1 100\nopen,n=2 v=\nopen,n=3 v=3 100\nopen,n=4\n')
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    {
      detail: expect.stringMatching(
        /^line 2, column 12: .*\(and 1 more\); partial write: the other 2 are stored$/,
      ),
      errors: [{ path: 'line 2, column 12' }, { path: 'line 4, column 9' }],
    },
  ])
  const found = (await (await server.ask('/api/v1/latest?prefix=open')).json()) as {
    data: { topic: string }[]
  }
  expect(found.data.map(({ topic }) => topic)).toEqual(['open/1', 'open/3'])
})

test('lines of topics that are not the writer’s are told, and the others stored', async () => {
  const mixed = await write('open,n=8 v=1\nclosed v=1\n', { user: 'guest' })
  expect([mixed.status, await mixed.json()]).toMatchObject([
    403,
    { code: 'forbidden', errors: [{ path: 'line 2, column 1' }] },
  ])
  expect((await server.store.latest({ filters: ['open/8', 'closed'], limit: 9 })).length).toBe(1)
})

test('of a hundred thousand wrong lines a hundred are named, and /healthz is answered meanwhile', async () => {
  let isOver = false
  const all = write(gzipSync('m v=x\n'.repeat(99_999)), { headers: { 'content-encoding': 'gzip' } })
  void all.finally(() => (isOver = true))
  let answered = 0
  while (!isOver) {
    expect((await server.ask('/healthz')).status).toBe(200)
    answered++
  }
  const answer = await all
  const { detail, errors } = (await answer.json()) as { detail: string; errors: unknown[] }
  expect([answer.status, errors.length]).toEqual([400, 100])
  expect(detail).toContain('(and 99998 more)')
  expect(answered).toBeGreaterThan(2)
})
