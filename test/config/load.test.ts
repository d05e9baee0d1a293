import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig, resolveConfig } from '../../src/config/load.ts'
import { nearestKey, variableName } from '../../src/config/sources.ts'
import { configKeys, type SchemaNode, configRoot } from '../../src/config/tree.ts'
import { AppError } from '../../src/domain/errors.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'amber-config-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const write = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text)
  return join(cwd, name)
}
const load = (
  sources: { flags?: Record<string, string | true>; env?: NodeJS.ProcessEnv; file?: string } = {},
) => loadConfig({ flags: {}, env: {}, cwd, ...sources })

/** All problems as `place: message`. */
function problemsOf(action: () => unknown): string[] {
  try {
    action()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    expect(error.code).toBe('bad_config')
    return error.problems.length === 0
      ? [error.message]
      : error.problems.map(({ path, message }) => `${path}: ${message}`)
  }
  throw new Error('nothing was wrong')
}

describe('sources', () => {
  test('with nothing said every key has its default', () => {
    const config: unknown = load()
    for (const { name, node } of configKeys()) {
      const value = name.split('.').reduce((at, part) => (at as Record<string, unknown>)[part], config)
      expect(value, name).toEqual(node.default)
    }
  })

  test('a flag wins over a variable, a variable over the file, the file over the default', () => {
    write('amber.yaml', 'http:\n  port: 1\n  host: file\nmqtt:\n  port: 1\n')
    const env = { AMBER_HTTP__PORT: '2', AMBER_MQTT__PORT: '2' }
    const { config, origins, file } = resolveConfig({ flags: { 'mqtt.port': '3' }, env, cwd })
    expect([config.mqtt.port, config.http.port, config.http.host]).toEqual([3, 2, 'file'])
    expect(origins.get('mqtt.port')).toBe('--mqtt.port')
    expect(origins.get('http.port')).toBe('AMBER_HTTP__PORT')
    expect(origins.get('http.host')).toBe('amber.yaml:3')
    expect(file).toBe('amber.yaml')
  })

  test('the file may be named by a flag or by AMBER_CONFIG, relative to the working directory', () => {
    write('amber.yaml', 'http: { port: 1 }')
    write('other.yaml', 'http: { port: 2 }')
    expect(load({ file: 'other.yaml' }).http.port).toBe(2)
    expect(load({ env: { AMBER_CONFIG: 'other.yaml' } }).http.port).toBe(2)
    expect(load().http.port).toBe(1)
  })

  test('an empty file, and a section with nothing below it, are fine', () => {
    expect(load({ file: write('a.yaml', '') }).http.port).toBe(8080)
    expect(load({ file: write('b.yaml', '# nothing\nhttp:\n  # port: 1\n') }).http.port).toBe(8080)
  })

  test('the result is frozen all the way down', () => {
    const config = load({ flags: { 'http.cors': 'a,b' } })
    expect([config, config.http, config.http.cors].every((part) => Object.isFrozen(part))).toBe(true)
  })
})

describe('text as values', () => {
  test.each([
    ['true', true],
    ['YES', true],
    ['on', true],
    ['1', true],
    ['false', false],
    ['no', false],
    ['Off', false],
    ['0', false],
  ])('%s is %s', (text, value) => {
    expect(load({ env: { AMBER_AUTH__ALLOW_ANONYMOUS: text } }).auth.allow_anonymous).toBe(value)
    expect(load({ flags: { 'auth.allow_anonymous': text } }).auth.allow_anonymous).toBe(value)
  })

  test('a flag without a value is true', () => {
    expect(load({ flags: { 'auth.allow_anonymous': true } }).auth.allow_anonymous).toBe(true)
  })

  test.each([
    ['a,b', ['a', 'b']],
    [' a , b ,', ['a', 'b']],
    ['["a","b,c"]', ['a', 'b,c']],
    ['', []],
  ])('%j is the list %j', (text, value) => {
    expect(load({ env: { AMBER_HTTP__CORS: text } }).http.cors).toEqual(value)
  })

  test('a variable with _FILE takes the value from a file, without its line end', () => {
    write('secret', 'somewhere/passwd\n')
    expect(load({ env: { AMBER_STORE__PATH_FILE: 'secret' } }).store.path).toBe('somewhere/passwd')
  })

  test('auth.password_file is a key of its own, and can come from a file too', () => {
    write('where', '/etc/p')
    expect(load({ env: { AMBER_AUTH__PASSWORD_FILE: '/x' } }).auth.password_file).toBe('/x')
    expect(load({ env: { AMBER_AUTH__PASSWORD_FILE_FILE: 'where' } }).auth.password_file).toBe('/etc/p')
  })

  test('what Kubernetes sets for a service named amber is left alone, and so is what the client commands read', () => {
    const env = {
      AMBER_PORT: 'tcp://10.0.0.1:1883',
      AMBER_SERVICE_HOST: '10.0.0.1',
      AMBER_SERVICE_PORT_HTTP: '8080',
      AMBER_PORT_1883_TCP: 'tcp://10.0.0.1:1883',
      AMBER_PORT_1883_TCP_ADDR: '10.0.0.1',
      AMBER_PASSWORD: 'x',
      AMBER_URL: 'http://x',
    }
    expect(load({ env })).toEqual(load())
  })
})

describe('what is wrong in the YAML file', () => {
  test.each([
    ['http:\n  prot: 1', 'a.yaml:2: there is no key "http.prot"; did you mean "http.port"?'],
    ['htpp:\n  port: 1', 'a.yaml:1: there is no section "htpp"; did you mean "http"?'],
    ['port: 1883', 'a.yaml:1: there is no key "port"; did you mean "mqtt.port"?'],
    ['password_file: x', 'a.yaml:1: there is no key "password_file"; did you mean "auth.password_file"?'],
    ['http:\n  port: "80"', 'a.yaml:2: http.port must be a whole number from 0 to 65535, not "80"'],
    ['http:\n  port: 1.5', 'a.yaml:2: http.port must be a whole number from 0 to 65535, not 1.5'],
    ['http:\n  port: -1', 'a.yaml:2: http.port must be a whole number from 0 to 65535, not -1'],
    ['http:\n  port:', 'a.yaml:2: http.port must be a whole number from 0 to 65535, not null'],
    ['http: 8080', 'a.yaml:1: http must be a section: keys below it, indented'],
    ['- a', 'a.yaml:1: the file must be a section: keys below it, indented'],
    [
      'log:\n  level: loud',
      'a.yaml:2: log.level must be one of debug, info, warn, error, silent, not "loud"',
    ],
    ['auth:\n  allow_anonymous: 1', 'a.yaml:2: auth.allow_anonymous must be true or false, not 1'],
    ['http:\n  cors: x', 'a.yaml:2: http.cors must be a list, not "x"'],
    ['http:\n  cors: [1]', 'a.yaml:2: http.cors[0] must be a text, not 1'],
    ['__proto__:\n  x: 1', 'there is no section "__proto__"'],
    ['constructor: 1', 'there is no key "constructor"'],
  ])('%j is told with file and line', (text, problem) => {
    write('a.yaml', text)
    expect(problemsOf(() => load({ file: 'a.yaml' }))).toEqual([expect.stringContaining(problem)])
  })

  test.each([
    ['http:\n  port: 1\n  port: 2', /a\.yaml:3: not valid YAML: .*unique/],
    ['http: [', /a\.yaml:\d: not valid YAML/],
    ['\thttp: 1', /a\.yaml:1: not valid YAML/],
  ])('%j is no YAML and says where', (text, message) => {
    write('a.yaml', text)
    expect(() => load({ file: 'a.yaml' })).toThrow(message)
  })

  test('a file that is named and not there is an error, a missing amber.yaml is none', () => {
    expect(() => load({ file: 'none.yaml' })).toThrow(/cannot read .*none\.yaml: there is no such file/)
    expect(load().http.port).toBe(8080)
  })

  test('both amber.yaml and amber.yml are one too many', () => {
    write('amber.yaml', '')
    write('amber.yml', '')
    expect(() => load()).toThrow(/both amber\.yaml and amber\.yml/)
  })
})

describe('what is wrong elsewhere', () => {
  test.each([
    [{ AMBER_HTTP__PROT: '1' }, 'AMBER_HTTP__PROT: there is no such setting; did you mean AMBER_HTTP__PORT?'],
    [{ AMBER_HTTP_PORT: '1' }, 'AMBER_HTTP_PORT: there is no such setting; did you mean AMBER_HTTP__PORT?'],
    [
      { AMBER_HTTP__PORT: 'x' },
      'AMBER_HTTP__PORT: http.port must be a whole number from 0 to 65535, not "x"',
    ],
    [{ AMBER_HTTP__PORT: '' }, 'AMBER_HTTP__PORT: http.port must be a whole number from 0 to 65535, not ""'],
    [
      { AMBER_AUTH__ALLOW_ANONYMOUS: 'maybe' },
      'AMBER_AUTH__ALLOW_ANONYMOUS: auth.allow_anonymous must be true or false',
    ],
    [{ AMBER_STORE__PATH_FILE: 'none' }, 'AMBER_STORE__PATH_FILE: cannot read the file it names'],
    [{ AMBER_HTTP__CORS: '["a"' }, 'AMBER_HTTP__CORS: http.cors must be a list'],
    [
      { AMBER_STORE__PATH: 'a', AMBER_STORE__PATH_FILE: 'b' },
      'AMBER_STORE__PATH_FILE: AMBER_STORE__PATH is set as well',
    ],
  ])('the environment %j', (env, problem) => {
    expect(problemsOf(() => load({ env }))).toEqual([expect.stringContaining(problem)])
  })

  test('a flag nobody knows names the nearest', () => {
    expect(problemsOf(() => load({ flags: { 'htp.port': '1' } }))).toEqual([
      '--htp.port: there is no such flag; did you mean --http.port?',
    ])
  })

  test('everything that is wrong is told at once', () => {
    write('amber.yaml', 'http:\n  prot: 1\n  port: x\n')
    const problems = problemsOf(() => load({ env: { AMBER_X: '1' }, flags: { 'mqtt.port': 'y' } }))
    expect(problems).toHaveLength(4)
    expect(() => load({ env: { AMBER_X: '1' } })).toThrow(/^amber\.yaml:2: .*\(and 2 more\)$/)
  })
})

describe('names', () => {
  test('every key has a variable of its own, and every key is the nearest to itself', () => {
    const names = configKeys().map(({ name }) => name)
    expect(new Set(names.map(variableName)).size).toBe(names.length)
    for (const name of names) expect(nearestKey(name)).toBe(name)
  })

  test('every key has a description and a default', () => {
    for (const { name, node } of configKeys()) {
      expect(node.description, name).toBeTruthy()
      expect(node.default, name).toBeDefined()
    }
  })

  test('the schema uses no more of JSON Schema than the loader checks', () => {
    const known = new Set(
      'type description default properties required items enum minimum maximum minLength maxLength minItems maxItems additionalProperties'.split(
        ' ',
      ),
    )
    const walk = (node: SchemaNode): void => {
      for (const keyword of Object.keys(node)) expect(known).toContain(keyword)
      for (const child of Object.values(node.properties ?? {})) walk(child)
      if (node.items) walk(node.items)
    }
    walk(configRoot)
  })
})

test('no text in the file, a variable or a flag makes the loader fall over', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('http:\n  port: 1', 'http: {port: 1}', '&a [*a]', '!!x y', 'a: b: c'),
  )
  fc.assert(
    fc.property(text, text, fc.constantFrom(...configKeys().map(({ name }) => name)), (yaml, value, key) => {
      write('fuzz.yaml', yaml)
      try {
        load({ file: 'fuzz.yaml', env: { [variableName(key)]: value }, flags: { [key]: value } })
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
      }
    }),
    { numRuns: 300 },
  )
})
