// mosquitto.conf files people have, and what becomes of every line of them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { resolveConfig } from '../../../src/config/load.ts'
import { convertLines, isMosquittoConf, mosquittoKeywords } from '../../../src/config/mosquitto/convert.ts'
import { parseConfLines } from '../../../src/config/mosquitto/lines.ts'
import { formatNotes } from '../../../src/config/mosquitto/report.ts'
import { AppError } from '../../../src/domain/errors.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'amber-conf-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const convert = (text: string) => convertLines(parseConfLines(text, 'm.conf'), 'm.conf')
const valuesOf = (text: string): Record<string, unknown> =>
  Object.fromEntries(convert(text).settings.map(({ key, value }) => [key, value]))
const answersOf = (text: string): string[] =>
  convert(text).notes.map(({ line, outcome, message }) => `${line} ${outcome}: ${message}`)

function resolve(text: string, more: object = {}) {
  writeFileSync(join(cwd, 'm.conf'), text)
  return resolveConfig({ flags: {}, env: {}, cwd, mosquittoConf: 'm.conf', ...more })
}

test('a port and an address given besides hold for the listener that the file calls the default', () => {
  const flags = { 'mqtt.port': '1900', 'mqtt.host': '127.0.0.1' }
  const listenersOf = (text: string, more: object): unknown =>
    resolve(text, more).config.mqtt.listeners.map(({ port, host }) => `${host}:${port}`)
  expect(listenersOf('max_connections 5\n', { flags })).toEqual(['127.0.0.1:1900'])
  expect(listenersOf('port 1884\nlistener 1885 ::1\n', { flags })).toEqual(['127.0.0.1:1900', '::1:1885'])
  expect(listenersOf('port 1884\n', { env: { AMBER_MQTT__PORT: '1901' } })).toEqual([':1901'])
  expect(listenersOf('port 1884\n', {})).toEqual([':1884'])
  expect(listenersOf('listener 1885 ::1\n', { flags })).toEqual(['::1:1885'])
})

describe('files people have', () => {
  test('Debian’s default: this machine only, everybody on it, and the files of conf.d', () => {
    mkdirSync(join(cwd, 'conf.d'))
    writeFileSync(join(cwd, 'conf.d', 'README'), 'listener 1\n')
    const debian = `# Place your local configuration in /etc/mosquitto/conf.d/
pid_file /run/mosquitto/mosquitto.pid

persistence true
persistence_location /var/lib/mosquitto/

log_dest file /var/log/mosquitto/mosquitto.log

include_dir ${cwd}/conf.d
`
    const { config, notes } = resolve(debian)
    expect(config.mqtt).toMatchObject({
      host: '127.0.0.1',
      port: 1883,
      default_listener: true,
      listeners: [],
    })
    expect(config.http.host).toBe('127.0.0.1')
    expect(config.auth).toMatchObject({ allow_anonymous: true, password_file: '' })
    expect(config.store.path).toBe('/var/lib/mosquitto/amber')
    expect(notes.map(({ outcome }) => outcome)).not.toContain('warning')

    writeFileSync(join(cwd, 'conf.d', 'b.conf'), 'password_file /etc/mosquitto/passwd\n')
    writeFileSync(join(cwd, 'conf.d', 'A.conf'), 'listener 1884 0.0.0.0\n')
    const included = resolve(debian)
    expect(included.config.mqtt.listeners).toMatchObject([{ port: 1884, host: '0.0.0.0' }])
    expect(included.config.mqtt.default_listener).toBe(false)
    expect(included.config.auth).toMatchObject({
      allow_anonymous: false,
      password_file: '/etc/mosquitto/passwd',
    })
    expect(included.origins.get('auth.password_file')).toBe(`${cwd}/conf.d/b.conf:1`)
    expect(included.notes.map(({ file }) => file.replace(cwd, ''))).toEqual([
      'm.conf',
      'm.conf',
      'm.conf',
      'm.conf',
      'm.conf',
      '/conf.d/A.conf',
      '/conf.d/b.conf',
    ])
  })

  test('Home Assistant’s add-on: four listeners, and the plugin’s plain files as password and ACL file', () => {
    const tls =
      'cafile /ssl/fullchain.pem\ncertfile /ssl/fullchain.pem\nkeyfile /ssl/privkey.pem\nrequire_certificate false\n'
    const { config, notes } = resolve(`user root
log_dest stdout
log_type error
log_type warning
log_type notice
log_type information
log_timestamp_format %Y-%m-%d %H:%M:%S
persistence true
persistence_location /data/

# Limits
max_queued_messages 8192

# Authentication plugin
auth_plugin /usr/share/mosquitto/go-auth.so
auth_plugin_deny_special_chars false
auth_opt_backends files,http
auth_opt_hasher pbkdf2
auth_opt_files_password_path /etc/mosquitto/pw
auth_opt_files_acl_path /etc/mosquitto/acl
auth_opt_http_host 127.0.0.1
auth_opt_http_aclcheck_uri /acl

listener 1883
protocol mqtt

listener 1884
protocol websockets

listener 8883
protocol mqtt
${tls}
listener 8884
protocol websockets
${tls}`)
    const secure = {
      cert_file: '/ssl/fullchain.pem',
      key_file: '/ssl/privkey.pem',
      require_certificate: false,
    }
    expect(config.mqtt.listeners).toMatchObject([
      { port: 1883, protocol: 'mqtt', cert_file: '' },
      { port: 1884, protocol: 'websockets' },
      { port: 8883, protocol: 'mqtt', ...secure },
      { port: 8884, protocol: 'websockets', ...secure },
    ])
    expect(config.mqtt.max_queued_messages).toBe(8192)
    expect(config.auth).toMatchObject({ password_file: '/etc/mosquitto/pw', acl_file: '/etc/mosquitto/acl' })
    expect(notes.filter(({ outcome }) => outcome === 'error')).toEqual([])
  })

  test('the article’s: the plugin is a warning a line, its plain file is the password file', () => {
    const { config, notes } = resolve(`listener 1883
allow_anonymous false
auth_plugin /mosquitto/go-auth.so
auth_opt_backends files
auth_opt_password_path /mosquitto/passwords
`)
    expect(config.auth).toMatchObject({ password_file: '/mosquitto/passwords', allow_anonymous: false })
    expect(notes.map(({ outcome }) => outcome)).toEqual([
      'understood',
      'understood',
      'warning',
      'warning',
      'warning',
    ])
  })
})

describe('a line', () => {
  test.each([
    ['max_queued_messages 0', 'mqtt.max_queued_messages', 1_000_000],
    ['message_size_limit 0', 'mqtt.max_packet_size', 268_435_455],
    ['message_size_limit 2000', 'mqtt.max_payload_size', 2000],
    ['max_packet_size 20', 'mqtt.max_packet_size', 1024],
    ['max_inflight_messages 50', 'mqtt.max_inflight_messages', 50],
    ['persistent_client_expiration 2w', 'mqtt.max_session_expiry_s', 1_209_600],
    ['sys_interval 0', 'mqtt.sys_interval_s', 0],
    ['log_type error\nlog_type all\nlog_type warning', 'log.level', 'debug'],
    ['log_dest none', 'log.level', 'silent'],
    ['allow_zero_length_clientid false', 'mqtt.allow_zero_length_clientid', false],
    ['acl_file /x', 'mqtt.refuse_unreadable_subscriptions', false],
    ['auto_id_prefix home-', 'mqtt.auto_id_prefix', 'home-'],
    ['max_qos 1', 'mqtt.max_qos', 1],
    ['maximum_qos 1', 'mqtt.max_qos', 1],
    ['retain_available 0', 'mqtt.retain_available', false],
    ['max_topic_alias 5', 'mqtt.max_topic_alias', 5],
    ['password_file /a path/with spaces', 'auth.password_file', '/a path/with spaces'],
  ])('%j sets %s to %j', (text, key, value) => {
    expect(valuesOf(text)[key]).toEqual(value)
  })

  test.each([
    ['listener 0 /run/m.sock', { path: '/run/m.sock' }],
    ['listener 0 m.sock', { path: 'm.sock' }],
    ['listener 0 127.0.0.1', { port: 0, host: '127.0.0.1' }],
    ['listener 1\nlistener_allow_anonymous false', { port: 1, allow_anonymous: false }],
    ['listener 1 ::1', { port: 1, host: '::1' }],
    ['listener 1\nsocket_domain ipv4', { port: 1, host: '0.0.0.0' }],
    ['listener 1\ntls_version tlsv1.1', { tls_version_min: '1.2' }],
    ['listener 1\ntls_version tlsv1.3', { tls_version_min: '1.3' }],
    ['listener 1\nmax_connections -1', { port: 1 }],
    ['listener 1\nmax_connections 7', { max_connections: 7 }],
    ['listener 1\nrequire_certificate true\nuse_identity_as_username true', { username_from: 'common_name' }],
    ['listener 1\nrequire_certificate true\nuse_subject_as_username true', { username_from: 'subject' }],
    ['listener 1\naccept_protocol_versions 3,5', { accept_protocol_versions: [3, 5] }],
    ['listener 1\naccept_protocol_versions 4 , 5', { accept_protocol_versions: [4, 5] }],
    ['listener 1\nlistener_auto_id_prefix home-', { auto_id_prefix: 'home-' }],
    ['per_listener_settings true\nlistener 1\nauto_id_prefix a-', { auto_id_prefix: 'a-' }],
    [
      'per_listener_settings true\nlistener 1\nallow_zero_length_clientid false',
      { allow_zero_length_clientid: false },
    ],
    ['listener 1\nmount_point site1/', { mount_point: 'site1/' }],
    ['listener 1\nenable_proxy_protocol 2', { proxy_protocol: true }],
    [
      'listener 1\nwebsockets_origin https://a\nwebsockets_origin https://b',
      { origins: ['https://a', 'https://b'] },
    ],
    ['port 1885\nbind_address 127.0.0.1', { port: 1885, host: '127.0.0.1' }],
  ])('%j makes a listener %j', (text, listener) => {
    expect((valuesOf(text)['mqtt.listeners'] as object[])[0]).toMatchObject(listener)
  })

  test('a certificate names the user only where one is required, as in Mosquitto', () => {
    const [listener] = valuesOf('listener 1\nuse_identity_as_username true')['mqtt.listeners'] as object[]
    expect(listener).not.toHaveProperty('username_from')
  })

  test.each([
    'psk_file /x',
    'psk_hint x',
    'listener 1\nmount_point a/#',
    'listener 1\nmount_point $SYS/',
    'listener 1\naccept_protocol_versions',
    'listener 1\naccept_protocol_versions 4, 6',
    'listener 1\nbind_interface eth0',
    'listener 1\nuse_username_as_clientid true',
    'clientid_prefixes secure-',
    'plugin /usr/lib/mosquitto_dynamic_security.so',
    'auth_plugin /x.so\nauth_opt_http_aclcheck_uri /acl',
    'alow_anonymous false',
    'allow_anonymous maybe',
    'max_connections many',
    'listener 70000',
    'listener 1\nprotocol coap',
    'listener 1\ntls_version sslv3',
    'persistent_client_expiration soon',
    'password_file',
  ])('%j is an error, because leaving it out could open what it closes, or it is no value', (text) => {
    const { notes, problems } = convert(text)
    expect(notes.filter(({ line }) => line > 0).at(-1)?.outcome).toBe('error')
    expect(problems[0]?.path).toMatch(/^m\.conf:\d+$/)
    expect(() => resolve(text)).toThrow(AppError)
  })

  test.each([
    ['queue_qos0_messages true', 'warning'],
    ['queue_qos0_messages false', 'ignored'],
    ['upgrade_outgoing_qos true', 'warning'],
    ['mount_point a', 'warning'],
    ['memory_limit 1000', 'warning'],
    ['memory_limit 0', 'ignored'],
    ['retry_interval 20', 'ignored'],
    ['something_of_the_future 1', 'warning'],
    ['log_dest topic', 'warning'],
    ['http_dir /www', 'warning'],
    ['autosave_interval 60', 'ignored'],
  ])('%j is a note of kind %s with its line', (text, outcome) => {
    expect(convert(`\n${text}\n`).notes[0]).toMatchObject({ line: 2, outcome, file: 'm.conf' })
  })
})

test('options before the first listener open port 1883 besides, as in Mosquitto', () => {
  expect(valuesOf('max_connections 5\nlistener 8883')['mqtt.listeners']).toEqual([
    { port: 1883, max_connections: 5 },
    { port: 8883, host: '' },
  ])
  expect(valuesOf('allow_anonymous true\nlistener 8883')['mqtt.listeners']).toEqual([
    { port: 8883, host: '' },
  ])
})

test('per_listener_settings gives each listener its own accounts, and HTTP those of the first that has some', () => {
  const values = valuesOf(`per_listener_settings true
listener 1
allow_anonymous true
listener 2
password_file /p
acl_file /a`)
  expect(values['mqtt.listeners']).toEqual([
    { port: 1, host: '', allow_anonymous: true, password_file: '', acl_file: '' },
    { port: 2, host: '', allow_anonymous: false, password_file: '/p', acl_file: '/a' },
  ])
  expect(values).toMatchObject({ 'auth.password_file': '/p', 'auth.acl_file': '/a' })
  expect(values).not.toHaveProperty('auth.allow_anonymous')
})

test.each([
  ['port 1\nlistener 2', true],
  ['port 1\npassword_file /p\nlistener 2', true],
  ['port 1\nallow_anonymous false\nlistener 2', false],
  ['port 1\nallow_anonymous true\nlistener 2', false],
  ['listener 1\nlistener 2', false],
])(
  'with per_listener_settings anonymous clients that only Mosquitto 2.0 would let in by accident are told of: %j',
  (text, isTold) => {
    const { config, notes } = resolve(`per_listener_settings true\n${text}`)
    const told = notes.filter(
      ({ keyword, outcome }) => keyword === 'allow_anonymous' && outcome === 'warning',
    )
    expect(told).toHaveLength(isTold ? 1 : 0)
    const isOpen = text.includes('allow_anonymous true')
    expect(config.mqtt.listeners.map(({ allow_anonymous: open }) => open)).toEqual([isOpen, false])
  },
)

test('per_listener_settings keeps the accounts of a listener from those before the first one', () => {
  const values = valuesOf(`per_listener_settings true
port 1
listener 2
password_file /p
acl_file /a`)
  expect(values['mqtt.listeners']).toEqual([
    { port: 1, allow_anonymous: false, password_file: '', acl_file: '' },
    { port: 2, host: '', allow_anonymous: false, password_file: '/p', acl_file: '/a' },
  ])
})

test('with per_listener_settings HTTP takes the accounts of the default listener, when it has some', () => {
  const values = valuesOf(
    'per_listener_settings true\nport 1\npassword_file /p\nlistener 2\npassword_file /q',
  )
  expect(values).toMatchObject({ 'auth.password_file': '/p', 'auth.acl_file': '' })
})

test('connection sections become bridges, and their passwords are not shown', () => {
  const { config, notes } = resolve(`listener 1
allow_anonymous true
connection up
addresses a.example:8883 b.example
topic # both 2 "" far/
topic temp/# out 1 home/ site/
topic cmd/# in
remote_clientid me
remote_username user
remote_password very secret
bridge_cafile /ca.pem
bridge_protocol_version mqttv50
cleansession true
keepalive_interval 30
restart_timeout 2 20
notifications false
try_private false
connection other
address c.example
`)
  expect(config.mqtt.bridges).toMatchObject([
    {
      name: 'up',
      addresses: ['a.example:8883', 'b.example'],
      topics: [
        { filter: '#', direction: 'both', qos: 2, local_prefix: '', remote_prefix: 'far/' },
        { filter: 'temp/#', direction: 'out', qos: 1, local_prefix: 'home/', remote_prefix: 'site/' },
        { filter: 'cmd/#', direction: 'in', qos: 0 },
      ],
      client_id: 'me',
      username: 'user',
      password: 'very secret',
      ca_file: '/ca.pem',
      protocol_version: '5',
      clean_start: true,
      keepalive_s: 30,
      reconnect_min_s: 2,
      reconnect_max_s: 20,
      notifications: false,
      try_private: false,
    },
    { name: 'other', addresses: ['c.example'] },
  ])
  expect(formatNotes(notes)).not.toContain('secret')
})

test.each([
  'topic # out 1',
  'connection a\ntopic # sideways',
  'connection a\ntopic # out 3',
  'connection a\ntopic # out 1 a b c',
  'connection a\nrestart_timeout 5 1',
  'connection a\nbridge_psk x',
  'connection a\nbridge_require_ocsp true',
  'connection a\nbridge_protocol_version mqttv6',
])('%j is an error', (text) => {
  expect(convert(text).problems).toHaveLength(1)
})

test('flags, variables and the YAML file come on top', () => {
  writeFileSync(join(cwd, 'amber.yaml'), 'mqtt: { sys_interval_s: 2, max_qos: 2 }')
  const { config, origins } = resolve(
    'listener 1\nallow_anonymous true\nsys_interval 1\nmax_qos 1\nmax_keepalive 9',
    {
      flags: { 'mqtt.max_qos': '0' },
    },
  )
  expect(config.mqtt).toMatchObject({ sys_interval_s: 2, max_qos: 0, max_keepalive_s: 9 })
  expect(origins.get('mqtt.max_keepalive_s')).toBe('m.conf:5')
})

test('an include_dir that is missing or that includes itself is one clear line', () => {
  expect(() => resolve('include_dir /nowhere')).toThrow(
    'm.conf:1: include_dir /nowhere: there is no such directory',
  )
  writeFileSync(join(cwd, 'loop.conf'), `include_dir ${cwd}\n`)
  expect(() => resolve(`include_dir ${cwd}`)).toThrow('does one include itself?')
  expect(() => resolveConfig({ flags: {}, env: {}, cwd, mosquittoConf: 'gone.conf' })).toThrow(
    'cannot read the Mosquitto configuration gone.conf: there is no such file',
  )
})

test('is told from YAML', () => {
  expect(isMosquittoConf('# x\n\nlistener 1883\n')).toBe(true)
  expect(isMosquittoConf('mqtt:\n  port: 1\n')).toBe(false)
  expect(isMosquittoConf('port: 1883\n')).toBe(false)
  expect(isMosquittoConf('')).toBe(false)
})

test('the report names every line with its place, and how many of each kind', () => {
  expect(
    formatNotes(convert('listener 1\nuser x\nnew_thing\n').notes),
  ).toBe(`  m.conf:1  listener   mqtt.listeners[0] on *:1
  m.conf:2  user       ignored: start the service as that user
  m.conf:3  new_thing  warning: not supported

  3 lines: 1 understood, 1 ignored, 1 warning, 0 errors.
`)
  expect(answersOf('user x').at(-1)).toMatch(/^0 understood: as in Mosquitto 2/)
})

test('whatever stands in a file, every line has one answer, and the configuration is whole or refused', () => {
  const keyword = fc.oneof(fc.constantFrom(...mosquittoKeywords), fc.string())
  const value = fc.oneof(
    fc.constantFrom('true', 'false', '0', '1', '-1', '1883 ::1', 'none', '/x', '2d', ''),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(keyword, value), { maxLength: 12 }), (rows) => {
      const text = rows
        .filter(([word]) => word !== 'include_dir')
        .map(([word, rest]) => `${word} ${rest}`)
        .join('\n')
      const lines = parseConfLines(text, 'm.conf')
      expect(
        convertLines(lines, 'm.conf').notes.filter(({ line }) => line > 0).length,
      ).toBeGreaterThanOrEqual(lines.length)
      if (lines.some((line) => line.keyword === 'include_dir')) return
      try {
        resolve(text)
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
      }
    }),
    { numRuns: 300 },
  )
})

test('a bridge topic in quotes keeps its spaces, and empty prefixes stay empty', () => {
  const [bridge] = valuesOf('connection b\naddress h\ntopic "a room/#" in 1 "my home/" ""')[
    'mqtt.bridges'
  ] as { topics: object[] }[]
  expect(bridge?.topics).toEqual([
    { filter: 'a room/#', direction: 'in', qos: 1, local_prefix: 'my home/', remote_prefix: '' },
  ])
})

test('a bridge has the client id it had with Mosquitto, so that its session on the other side goes on', () => {
  const bridges = valuesOf(
    'connection one\naddress h\ntopic #\nconnection two\naddress h\nremote_clientid mine',
  )['mqtt.bridges']
  expect(bridges).toMatchObject([{ client_id: `${hostname()}.one` }, { client_id: 'mine' }])
})

test('a certificate that a load balancer should have checked is an error when the server starts', () => {
  const [listener] = valuesOf('listener 1\nenable_proxy_protocol 2\nuse_identity_as_username true')[
    'mqtt.listeners'
  ] as object[]
  expect(listener).toMatchObject({ username_from: 'common_name' })
})
