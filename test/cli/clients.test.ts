// pub, sub, query and healthcheck against the real server.

import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run } from '../../src/cli.ts'
import { amber, createIo, type Setting } from './io.ts'
import { useServer } from './server.ts'

const served = useServer()
const login = ['-u', 'ann', '-P', 'S3cret']
const at = () => ['-h', '127.0.0.1', '-p', served.mqttPort]
const pub = (args: readonly string[], setting?: Setting) =>
  amber(['pub', ...at(), ...login, ...args], setting)
const query = (args: readonly string[], setting?: Setting) =>
  amber(['query', ...args, '--url', served.url, '-u', 'ann:S3cret'], setting)
const values = ({ out }: { out: string }) =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { value: unknown }).value)

describe('pub', () => {
  test.each(['mqttv31', 'mqttv311', 'mqttv5'])(
    'what %s published at each QoS is stored when it ends',
    async (version) => {
      for (const qos of ['1', '2']) {
        const { code, err } = await pub([
          '-V',
          version,
          '-t',
          `pub/${version}/${qos}`,
          '-m',
          '21.5',
          '-q',
          qos,
        ])
        expect([code, err]).toEqual([0, ''])
        expect(values(await query(['latest', `pub/${version}/${qos}`]))).toEqual([21.5])
      }
    },
  )

  test('-l publishes each line in order', async () => {
    const lines = Array.from({ length: 2500 }, (_, index) => String(index))
    expect((await pub(['-t', 'pub/lines', '-l', '-q', '1'], { input: `${lines.join('\n')}\n` })).code).toBe(0)
    const answer = await query(['readings', 'pub/lines', '--order', 'asc'])
    expect(values(answer)).toEqual(lines.map(Number))
  })

  test('-f, -s and -n take a file, all of the input, and nothing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'amber-pub-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    writeFileSync(join(directory, 'payload'), 'from a file\n')
    await pub(['-t', 'pub/f', '-f', join(directory, 'payload'), '-q', '1'])
    await pub(['-t', 'pub/s', '-s', '-q', '1'], { input: 'two\nlines' })
    await pub(['-t', 'pub/n', '-n', '-q', '1'])
    expect(values(await query(['latest', 'pub/f']))).toEqual(['from a file\n'])
    expect(values(await query(['latest', 'pub/s']))).toEqual(['two\nlines'])
    expect(values(await query(['latest', 'pub/n']))).toEqual([null])
  })

  test('a missing file, a wrong password and a closed port are each one line', async () => {
    expect(await pub(['-t', 'a', '-f', '/none'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot read /none'),
    })
    const wrong = await amber(['pub', ...at(), '-u', 'ann', '-P', 'no', '-t', 'a', '-m', 'x'])
    expect(wrong).toMatchObject({
      code: 1,
      err: expect.stringContaining('refused the user name or password'),
    })
    const closed = await amber(['pub', '-h', '127.0.0.1', '-p', '1', '-t', 'a', '-m', 'x'])
    expect(closed).toMatchObject({ code: 1, err: expect.stringContaining('nothing listens there') })
    for (const { err } of [wrong, closed]) expect(err.trim().split('\n')).toHaveLength(1)
  })

  test('the password may come from the environment', async () => {
    const env = { AMBER_USER: 'ann', AMBER_PASSWORD: 'S3cret' }
    expect((await amber(['pub', ...at(), '-t', 'pub/env', '-m', '1', '-q', '1'], { env })).code).toBe(0)
  })
})

describe('sub', () => {
  /** Starts to listen, publishes once the subscription is in force, and gives what was printed. */
  async function heard(
    args: readonly string[],
    messages: readonly (readonly string[])[],
    setting: Setting = {},
  ) {
    const { io, outcome } = createIo(setting)
    await pub(['-t', 'ready/sub', '-m', 'ready', '-r', '-q', '1'])
    const all = ['sub', ...at(), ...login, '-C', String(messages.length + 1), '-t', 'ready/sub', ...args]
    const ended = run(all, { serve: () => Promise.resolve(0) }, io)
    // The retained message arrives when the subscription is in force.
    await expect.poll(() => outcome().out, { timeout: 10_000 }).toContain('ready')
    for (const message of messages) await pub([...message, '-q', '1'])
    return { code: await ended, out: outcome().out }
  }

  test('prints payloads, with -v after their topics', async () => {
    const messages = [
      ['-t', 'sub/a', '-m', 'one'],
      ['-t', 'sub/b', '-m', '{"x":2}'],
    ]
    expect(await heard(['-t', 'sub/+', '-T', 'sub/c'], messages)).toEqual({
      code: 0,
      out: 'ready\none\n{"x":2}\n',
    })
    const verbose = await heard(['-t', 'sub/+', '-v', '-q', '1'], messages)
    expect(verbose.out).toBe('ready/sub ready\nsub/a one\nsub/b {"x":2}\n')
  })

  test('--json makes one object a line', async () => {
    const { out } = await heard(['-t', 'sub/#', '--json'], [['-t', 'sub/j', '-m', 'x\ny']])
    expect(JSON.parse(out.split('\n')[1] ?? '')).toEqual({
      topic: 'sub/j',
      qos: 0,
      retain: false,
      payload: 'x\ny',
    })
  })

  test('on a terminal a payload cannot steer it', async () => {
    const { out } = await heard(['-t', 'sub/#'], [['-t', 'sub/t', '-m', 'a\u001b[2Jb']], { terminal: true })
    expect(out).toContain('a\\u001b[2Jb\n')
  })

  test('-W ends it with exit code 1, Ctrl+C with 0', async () => {
    expect((await amber(['sub', ...at(), ...login, '-t', 'sub/quiet', '-W', '1'])).code).toBe(1)
    const { io, interrupt, outcome } = createIo()
    const ended = run(['sub', ...at(), ...login, '-t', 'ready/sub'], { serve: () => Promise.resolve(0) }, io)
    await pub(['-t', 'ready/sub', '-m', 'ready', '-r', '-q', '1'])
    await expect.poll(() => outcome().out, { timeout: 10_000 }).toContain('ready')
    interrupt()
    expect(await ended).toBe(0)
  })
})

describe('query', () => {
  test('an aggregate is a row a bucket, with the columns it has', async () => {
    for (const n of ['1', '3']) await pub(['-t', 'query/sum', '-m', `{"n":${n},"m":0}`, '-q', '1'])
    const asked = ['aggregate', 'query/sum', '--field', 'n', '--every', 'all', '--fn', 'mean,count']
    const lines = (await query(asked)).out
    expect(JSON.parse(lines)).toMatchObject({ topic: 'query/sum', field: 'n', mean: 2, count: 2 })
    const table = await query([...asked, '--group', 'none'], { terminal: true })
    expect(table.out).toMatch(/TOPIC +FIELD +TIME +MEAN +COUNT.*\nnull +n +\S+Z +2 +2$/m)
    expect((await query([...asked, '--raw'])).err).toContain('amber query aggregate has no flag --raw')
    const few = await query(['aggregate', 'query/sum', '--every', 'all', '--limit', '1'], { terminal: true })
    expect([few.out.trim().split('\n').length, few.err]).toEqual([
      2,
      expect.stringContaining('There are more'),
    ])
  })

  test('in a pipe long integers keep every digit', async () => {
    await pub(['-t', 'query/long', '-m', '{"id":1234567890123456789}', '-q', '1'])
    expect((await query(['latest', 'query/long'])).out).toContain('1234567890123456789')
    const table = await query(['latest', 'query/long'], { terminal: true })
    expect(table.out).toContain('1234567890123456789')
  })

  test('on a terminal it is a table that says when there is more', async () => {
    for (const name of ['a', 'b', 'c']) await pub(['-t', `query/table/${name}`, '-m', '1', '-q', '1'])
    const setting = { terminal: true, env: { NO_COLOR: '1' } }
    const { out, err } = await query(['latest', '--prefix', 'query/table', '--limit', '2'], setting)
    expect(out.split('\n')[0]).toMatch(/^TOPIC +TIME +VALUE$/)
    expect(out.trim().split('\n')).toHaveLength(3)
    expect(err).toContain('There are more')
    const topics = await query(['topics', '--q', 'TABLE'], setting)
    expect(topics.out).toMatch(/^query\/table\/a +1 +1 /m)
  })

  test('the API says what is wrong with a question', async () => {
    const { code, err } = await query(['readings', '--from', 'yesterday'])
    expect(code).toBe(1)
    expect(err).toContain('"yesterday" is not a time')
  })

  test.each([
    [[], 'wants to know who asks'],
    [['-u', 'ann:no'], 'refused the user name or password'],
    [['-u', 'ann'], 'no password for ann'],
  ])('with the login %j it says what is missing', async (args, message) => {
    const { code, err } = await amber(['query', 'latest', '--url', served.url, ...args])
    expect(code).toBe(1)
    expect(err).toContain(message)
  })

  test('a closed port is one line', async () => {
    const { code, err } = await amber(['query', 'latest', '--url', 'http://127.0.0.1:1', '-u', 'a:b'])
    expect([code, err]).toEqual([1, expect.stringContaining('http://127.0.0.1:1: ')])
  })
})

describe('healthcheck', () => {
  test('is 0 and silent for a ready server, found by the configuration or by --url', async () => {
    const env = { AMBER_HTTP__PORT: String(served.app.http.port) }
    expect(await amber(['healthcheck'], { env })).toEqual({ code: 0, out: '', err: '' })
    expect((await amber(['healthcheck', '--url', served.url])).code).toBe(0)
  })

  test('is 0 although the configured address is not the one a demo account leaves', async () => {
    const args = ['healthcheck', '--http.host', '127.9.9.9', '--http.port', String(served.app.http.port)]
    expect((await amber(args)).code).toBe(0)
  })

  test('is 1 with the reason when nobody listens', async () => {
    const { code, err } = await amber(['healthcheck', '--http.port', '1'])
    expect([code, err]).toEqual([1, expect.stringContaining('not ready: http://127.0.0.1:1')])
  })
})
