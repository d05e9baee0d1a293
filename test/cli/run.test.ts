import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { amber } from './io.ts'

function directory(files: Record<string, string> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'amber-cli-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

const commands = ['serve', 'passwd', 'check-config', 'pub', 'sub', 'query', 'healthcheck']

describe('help', () => {
  test('names every command and the exit codes', async () => {
    const { code, out } = await amber(['--help'])
    expect(code).toBe(0)
    for (const command of commands) expect(out).toContain(`  ${command} `)
    expect(out).toMatch(/Exit codes: 0 ok, 1 failed .*2 wrong usage/)
  })

  test.each(commands)('of %s has examples, and is the same by "help"', async (command) => {
    const { code, out } = await amber([command, '--help'])
    expect(code).toBe(0)
    expect(out).toContain('Examples:\n')
    expect(out).toContain(`amber ${command}`)
    expect((await amber(['help', command])).out).toBe(out)
  })

  test('--version is a version', async () => {
    expect((await amber(['--version'])).out).toMatch(/^\d+\.\d+\.\d+/)
  })
})

describe('wrong usage is exit code 2', () => {
  test.each([
    [['srve'], 'Did you mean serve?'],
    [['serve', '--http.prot', '1'], 'Did you mean --http.port?'],
    [['pub', '--tpoic', 'x'], 'Did you mean --topic?'],
    [['passwd'], "missing required argument 'file'"],
    [['passwd', '-H', 'md5', 'f', 'u'], 'Allowed choices are argon2id, sha512-pbkdf2, sha512'],
    [['pub', '-m', 'x'], '-t TOPIC'],
    [['pub', '-t', 'a'], 'exactly one of -m, -f, -l, -s and -n'],
    [['pub', '-t', 'a/#', '-m', 'x'], 'wildcards'],
    [['pub', '-t', 'a', '-m', 'x', '-q', '3'], 'QoS is 0, 1 or 2'],
    [['sub'], '-t FILTER'],
    [['sub', '-t', 'a/#/b'], 'not a topic filter'],
    [['query', 'newest'], 'ask for latest, readings, aggregate, topics'],
    [['query', 'latest', '--from', '-1h'], 'no flag --from'],
    [['query', 'latest', '--url', 'localhost:8080'], 'not an address'],
  ])('%j', async (args, message) => {
    const { code, out, err } = await amber(args)
    expect(err).toContain(message)
    expect(code).toBe(2)
    expect(out).toBe('')
  })

  test('no command at all shows the help', async () => {
    const { code, err } = await amber([])
    expect(code).toBe(2)
    expect(err).toContain('Commands:')
  })
})

describe('serve', () => {
  test('gets the configuration of flags, environment and file, and its exit code is the one of the server', async () => {
    const cwd = directory({ 'amber.yaml': 'store:\n  path: here\n' })
    const serve = vi.fn(() => Promise.resolve(1))
    const args = ['serve', '--http.port=1', '--mqtt.port', '2', '--auth.allow_anonymous']
    const { code } = await amber(args, { serve, cwd, env: { AMBER_LOG__LEVEL: 'debug' } })
    expect(code).toBe(1)
    expect(serve).toHaveBeenCalledWith(
      expect.objectContaining({
        config: expect.objectContaining({
          http: expect.objectContaining({ port: 1 }),
          mqtt: expect.objectContaining({ port: 2 }),
          auth: expect.objectContaining({ allow_anonymous: true }),
          store: expect.objectContaining({ path: 'here' }),
          log: expect.objectContaining({ level: 'debug' }),
        }),
      }),
      expect.any(Function),
    )
  })

  test('is not reached by a broken configuration, of which every fault is one line', async () => {
    const cwd = directory({ 'amber.yaml': 'http:\n  prot: 1\n  port: x\n' })
    const { code, err } = await amber(['serve'], { cwd })
    expect(code).toBe(1)
    expect(err).toBe(
      'amber: amber.yaml:2: there is no key "http.prot"; did you mean "http.port"?\namber.yaml:3: http.port must be a whole number from 0 to 65535, not "x"\n',
    )
  })
})

describe('check-config', () => {
  test('in a pipe says every value and where it comes from as NDJSON', async () => {
    const cwd = directory({ 'x.yaml': 'http:\n  port: 9\n' })
    const { code, out } = await amber(['check-config', 'x.yaml', '--auth.allow_anonymous'], { cwd })
    expect(code).toBe(0)
    const rows = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string })
    expect(rows.find(({ key }) => key === 'http.port')).toEqual({
      key: 'http.port',
      value: 9,
      from: 'x.yaml:2',
    })
    expect(rows.find(({ key }) => key === 'mqtt.port')).toEqual({
      key: 'mqtt.port',
      value: 1883,
      from: 'default',
    })
  })

  test('on a terminal prints a table, in colour unless NO_COLOR is set', async () => {
    const setting = { cwd: directory(), terminal: true }
    const coloured = await amber(['check-config', '--auth.allow_anonymous'], setting)
    expect(coloured.out.startsWith('\u001b[1mKEY ')).toBe(true)
    const plain = await amber(['check-config', '--auth.allow_anonymous'], {
      ...setting,
      env: { NO_COLOR: '1' },
    })
    expect(plain.out).toMatch(/^KEY +VALUE +FROM\n/)
    expect(plain.out).toMatch(/\nauth\.allow_anonymous +true +--auth\.allow_anonymous\n/)
  })

  test.each([
    [{}, /no password file/],
    [{ passwd: 'ann' }, /passwd:1: /],
    [{ passwd: 'ann:x', acl: 'nonsense' }, /acl:1: /],
  ])('fails with the files %j', async (files, message) => {
    const cwd = directory(files)
    const flags = ['--auth.password_file', join(cwd, 'passwd')]
    if ('acl' in files) flags.push('--auth.acl_file', join(cwd, 'acl'))
    const { code, err } = await amber(['check-config', ...flags], { cwd })
    expect(code).toBe(1)
    expect(err).toMatch(message)
  })
})

describe('check-config with a mosquitto.conf', () => {
  const conf = `listener 1884
allow_anonymous true
user nobody
connection up
address broker.example
remote_password very-secret
topic # out
`

  test('is recognised by its name or its lines, says each line, and shows no password', async () => {
    const cwd = directory({ 'mosquitto.conf': conf, 'other.txt': conf, 'plain.txt': 'http: { port: 1 }' })
    for (const args of [['mosquitto.conf'], ['other.txt'], ['--mosquitto-conf', 'other.txt']]) {
      const { code, out } = await amber(['check-config', ...args], { cwd })
      expect(code).toBe(0)
      const rows = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(rows[2]).toMatchObject({ line: 3, keyword: 'user', outcome: 'ignored' })
      const bridges = rows.find(({ key }) => key === 'mqtt.bridges')
      expect(bridges).toMatchObject({ value: [{ name: 'up', password: '***' }] })
      expect(out).not.toContain('very-secret')
    }
    const yaml = await amber(['check-config', 'plain.txt', '--auth.allow_anonymous'], { cwd })
    expect(yaml.out).toContain('{"key":"http.port","value":1,"from":"plain.txt:1"}')
  })

  test('on a terminal is a table with a sum, also when a line is an error', async () => {
    const cwd = directory({ 'm.conf': `${conf}psk_hint x\n` })
    const { code, out, err } = await amber(['check-config', 'm.conf'], { cwd, terminal: true })
    expect(code).toBe(1)
    expect(out).toContain('  m.conf:3  user             ignored: start the service as that user\n')
    expect(out).toContain('8 lines: 6 understood, 1 ignored, 0 warnings, 1 error.')
    expect(err).toMatch(/^amber: m\.conf:8: psk_hint: pre-shared keys are not spoken/)
  })

  test('checks the files of its listeners', async () => {
    const cwd = directory({ 'm.conf': 'per_listener_settings true\nlistener 1\npassword_file gone\n' })
    const { code, err } = await amber(['check-config', 'm.conf'], { cwd })
    expect(code).toBe(1)
    expect(err).toContain('there is no password file gone')
  })
})

test('a reader that goes away ends the command without a word', async () => {
  const script = `import { run } from ${JSON.stringify(join(import.meta.dirname, '../../src/cli.ts'))}
process.exitCode = await run(['check-config', '--auth.allow_anonymous'], { serve: async () => 0 })`
  const cwd = directory({ 'main.mts': script })
  const tsx = join(import.meta.dirname, '../../node_modules/.bin/tsx')
  const { error, stderr } = await new Promise<{ error: Error | null; stderr: string }>((resolve) => {
    execFile(
      'bash',
      ['-c', `set -o pipefail; "${tsx}" main.mts 2>err | true; cat err >&2`],
      { cwd },
      (failed, _out, text) => resolve({ error: failed, stderr: text }),
    )
  })
  expect(error).toBeNull()
  expect(stderr.replaceAll(/^warning:.*\n/gm, '')).toBe('')
})
