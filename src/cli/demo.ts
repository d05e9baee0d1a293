// `amber demo`: plays believable devices against a running server over real MQTT, and gives them a past by import, so that there
// is something to look at before the first own device is connected.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { MqttClient } from 'mqtt'
import { AppError } from '../domain/errors.ts'
import { parseDuration } from '../domain/time.ts'
import { basicAuthorization } from './credentials.ts'
import { createDevices, type DemoClient, type Device } from './demo/devices.ts'
import { historyOf } from './demo/history.ts'
import { playDevices } from './demo/live.ts'
import { httpStream } from './httpStream.ts'
import { type Io, UsageError, write } from './io.ts'
import { connectMqtt, wholeNumber } from './mqttOptions.ts'

interface DemoFlags {
  host: string
  port: number
  username?: string
  pw?: string
  url?: string
  devices: number
  rate?: number
  history: number
  for?: number
}

const climatesMax = 100_000
const reconnectMs = 1000
const progressMs = 1000

const examples = `
Examples:
  amber serve --rules.profiles=all                     the server, with rules for the devices played
  amber demo -u admin -P 12345678                      a house, and a week of its past
  amber demo -u admin -P 12345678 --history 0          only from now on
  amber demo -u admin -P 12345678 --devices 500 --rate 1000 --for 1m

It plays Zigbee climate sensors and a door contact, three Tasmota plugs, an ESPHome greenhouse, a solar inverter and a phone with
OwnTracks, with the faults real ones have: nan, 85 °C, 65535, a clock that was never set. The past is stored once, however
often it is asked for. Ctrl+C ends it.`

export function addDemo(program: Command, { io }: { io: Io }): void {
  program
    .command('demo')
    .summary('play believable devices against a running server')
    .description('Play believable devices against a running server, and give them a past.')
    .helpOption('--help', 'explain the command')
    .addOption(new Option('-h, --host <host>', 'server to connect to').default('localhost'))
    .addOption(new Option('-p, --port <port>', 'its MQTT port').default(1883).argParser(wholeNumber))
    .option('-u, --username <name>', 'user name (also AMBER_USER)')
    .option('-P, --pw <password>', 'password (also AMBER_PASSWORD or AMBER_PASSWORD_FILE)')
    .option('--url <url>', 'its HTTP address, for the past (also AMBER_URL; default: port 8080 of the host)')
    .addOption(new Option('--devices <n>', 'climate sensors').default(8).argParser(wholeNumber))
    .addOption(
      new Option(
        '--rate <n>',
        'messages a second, of all devices; by default each at its own pace',
      ).argParser(rate),
    )
    .addOption(
      new Option('--history <time>', 'how much past: 12h, 7d; 0 for none')
        .default(604_800_000, '7d')
        .argParser(duration),
    )
    .addOption(new Option('--for <time>', 'end by itself after so long').argParser(duration))
    .addHelpText('after', examples)
    .action((flags: DemoFlags) => demo(io, flags))
}

async function demo(io: Io, flags: DemoFlags): Promise<void> {
  if (flags.devices > climatesMax) throw new UsageError(`--devices: at most ${climatesMax}`)
  const { devices, clients } = createDevices(flags.devices)
  const interrupted = new Promise<void>((resolve) => {
    io.onInterrupt(resolve)
  })
  const connected = await connectAll(io, flags, clients)
  try {
    if (flags.history > 0) await importPast(io, flags, devices)
  } catch (error) {
    for (const { client } of connected.values()) client.end(true)
    throw error
  }
  const natural = devices.reduce((sum, { everyMs }) => sum + 1000 / everyMs, 0)
  const factor = flags.rate === undefined ? 1 : flags.rate / natural
  const player = playDevices(devices, connected, { factor })
  const pace = (natural * factor).toFixed(1)
  await write(
    io.stderr,
    `${devices.length} devices publish about ${pace} messages a second to ${flags.host}:${flags.port}; Ctrl+C ends it.\n`,
  )
  const shown = setInterval(() => {
    if (io.stderr.isTTY === true) io.stderr.write(`\rpublished ${player.published} `)
  }, progressMs)
  await Promise.race([interrupted, ...(flags.for === undefined ? [] : [after(flags.for)])])
  clearInterval(shown)
  await player.stop()
  await write(
    io.stdout,
    io.stdout.isTTY === true ? `\rpublished ${player.published}\n` : `{"published":${player.published}}\n`,
  )
}

async function connectAll(
  io: Io,
  { host, port, username, pw }: DemoFlags,
  clients: readonly DemoClient[],
): Promise<Map<string, { client: MqttClient; about: DemoClient }>> {
  const connected = new Map<string, { client: MqttClient; about: DemoClient }>()
  try {
    for (const about of clients) {
      const { id, protocolVersion, status } = about
      const will =
        status === null
          ? {}
          : { willTopic: status.topic, willPayload: status.offline, willRetain: true as const }
      const login = { ...(username === undefined ? {} : { username }), ...(pw === undefined ? {} : { pw }) }
      const flags = { host, port, ...login, id, protocolVersion, keepalive: 60, willQos: 1 as const, ...will }
      const client = await connectMqtt(io, flags, { reconnectMs })
      // A server that is away is waited for; each attempt that fails is an error of the client.
      client.on('error', () => undefined)
      connected.set(id, { client, about })
    }
  } catch (error) {
    for (const { client } of connected.values()) client.end(true)
    throw error
  }
  return connected
}

async function importPast(io: Io, flags: DemoFlags, devices: readonly Device[]): Promise<void> {
  const base =
    flags.url ??
    io.env['AMBER_URL'] ??
    `http://${flags.host.includes(':') ? `[${flags.host}]` : flags.host}:8080`
  if (!/^https?:\/\/./.test(base) || !URL.canParse(base)) {
    throw new UsageError(`--url: "${base}" is not an address such as http://localhost:8080`)
  }
  const user = flags.username ?? io.env['AMBER_USER']
  const authorization = basicAuthorization(
    io,
    user === undefined || flags.pw === undefined ? user : `${user}:${flags.pw}`,
  )
  const now = Date.now()
  const response = await httpStream(new URL('/api/v1/import', base), {
    authorization,
    headers: { 'content-type': 'application/x-ndjson' },
    body: historyOf(devices, now - flags.history, now),
  })
  let text = ''
  for await (const piece of response) text += String(piece)
  const {
    imported,
    duplicates,
    failed_total: failed,
    failed: faults,
  } = JSON.parse(text) as {
    imported: number
    duplicates: number
    failed_total: number
    failed: { reason: string }[]
  }
  if (failed > 0)
    throw new AppError(
      'bad_request',
      `the past was not stored: ${faults[0]?.reason ?? `${failed} rows failed`}`,
    )
  await write(io.stderr, `the past: ${imported} readings stored, ${duplicates} there already\n`)
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function duration(text: string): number {
  try {
    const ms = parseDuration(text)
    if (ms === 0 || !/^\d+$/.test(text)) return ms
  } catch {
    // Said below, with what is possible here.
  }
  throw new InvalidArgumentError('write 90s, 12h, 7d or 0.')
}

function rate(text: string): number {
  const value = Number(text)
  if (!/^\d+(?:\.\d+)?$/.test(text) || value <= 0 || value > 100_000)
    throw new InvalidArgumentError('It must be a number above 0, at most 100000.')
  return value
}
