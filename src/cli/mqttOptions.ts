// The connection flags that `pub` and `sub` share, named as mosquitto_pub and mosquitto_sub name them,
// and the connection they make.

import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { IClientOptions, MqttClient } from 'mqtt'
import { AppError } from '../domain/errors.ts'
import { passwordFrom } from './credentials.ts'
import type { Io } from './io.ts'

export interface MqttFlags {
  host: string
  port?: number
  username?: string
  pw?: string
  id?: string
  protocolVersion: 3 | 4 | 5
  keepalive: number
  disableCleanSession?: true
  cafile?: string
  cert?: string
  key?: string
  insecure?: true
  willTopic?: string
  willPayload?: string
  willQos: 0 | 1 | 2
  willRetain?: true
}

const versions: Record<string, 3 | 4 | 5> = {
  mqttv31: 3,
  '31': 3,
  mqttv311: 4,
  '311': 4,
  mqttv5: 5,
  '5': 5,
}

const connectTimeoutMs = 10_000

export function addMqttFlags(command: Command): Command {
  return command
    .addOption(new Option('-h, --host <host>', 'server to connect to').default('localhost'))
    .addOption(
      new Option('-p, --port <port>', 'its port (default: 1883, 8883 with --cafile)').argParser(wholeNumber),
    )
    .option('-u, --username <name>', 'user name (also AMBER_USER)')
    .option('-P, --pw <password>', 'password (also AMBER_PASSWORD or AMBER_PASSWORD_FILE)')
    .option('-i, --id <id>', 'client id; without it a random one')
    .addOption(
      new Option('-V, --protocol-version <version>', 'mqttv31, mqttv311 or mqttv5')
        .default(4, 'mqttv311')
        .argParser(protocolVersion),
    )
    .addOption(new Option('-k, --keepalive <seconds>', 'keep alive').default(60).argParser(wholeNumber))
    .option('-c, --disable-clean-session', 'keep the session when the client leaves; needs -i')
    .option('--cafile <file>', 'connect by TLS and trust the certificates in this file')
    .option('--cert <file>', 'client certificate for TLS')
    .option('--key <file>', 'its private key')
    .option('--insecure', 'do not check the name in the server certificate; for tests only')
    .option('--will-topic <topic>', 'topic of the last will')
    .option('--will-payload <text>', 'payload of the last will')
    .addOption(new Option('--will-qos <qos>', 'QoS of the last will').default(0).argParser(qosNumber))
    .option('--will-retain', 'retain the last will')
}

/** Connects, or throws an `AppError` that says why not. Reconnects only when told to: most commands do their work once. */
export async function connectMqtt(
  io: Io,
  flags: MqttFlags,
  { reconnectMs = 0 }: { reconnectMs?: number } = {},
): Promise<MqttClient> {
  const hasTls = flags.cafile !== undefined || flags.cert !== undefined
  const port = flags.port ?? (hasTls ? 8883 : 1883)
  const place = `${flags.host}:${port}`
  // Loaded here alone: the client is of no use to the server, which would start a tenth of a second later for it.
  const { connect } = await import('mqtt')
  const client = connect({
    ...clientOptions(io, flags, hasTls),
    host: flags.host,
    port,
    reconnectPeriod: reconnectMs,
  })
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      client.end(true)
      reject(new AppError('bad_request', `${place}: ${connectFault(error)}`, { cause: error }))
    }
    client.once('error', fail)
    client.once('close', () => fail(new Error('the server closed the connection')))
    client.once('connect', () => {
      client.removeAllListeners('error')
      client.removeAllListeners('close')
      resolve(client)
    })
  })
}

function clientOptions(io: Io, flags: MqttFlags, hasTls: boolean): IClientOptions {
  const password = passwordFrom(io, flags.pw)
  const username = flags.username ?? io.env['AMBER_USER']
  const read = (path: string | undefined): Buffer | undefined =>
    path === undefined ? undefined : readFileSync(path)
  return {
    protocol: hasTls ? 'mqtts' : 'mqtt',
    protocolVersion: flags.protocolVersion,
    ...(flags.protocolVersion === 3 ? { protocolId: 'MQIsdp' as const } : {}),
    ...(flags.id === undefined ? {} : { clientId: flags.id }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    clean: flags.disableCleanSession !== true,
    ...(flags.protocolVersion === 5 && flags.disableCleanSession
      ? { properties: { sessionExpiryInterval: 0xffffffff } }
      : {}),
    keepalive: flags.keepalive,
    connectTimeout: connectTimeoutMs,
    ...(flags.willTopic === undefined
      ? {}
      : {
          will: {
            topic: flags.willTopic,
            payload: Buffer.from(flags.willPayload ?? ''),
            qos: flags.willQos,
            retain: flags.willRetain === true,
          },
        }),
    ...(flags.cafile === undefined ? {} : { ca: read(flags.cafile) as Buffer }),
    ...(flags.cert === undefined ? {} : { cert: read(flags.cert) as Buffer }),
    ...(flags.key === undefined ? {} : { key: read(flags.key) as Buffer }),
    ...(flags.insecure ? { checkServerIdentity: () => undefined } : {}),
  }
}

/** What went wrong in the words of the person who typed the command. */
export function connectFault(error: Error): string {
  const code = 'code' in error ? error.code : undefined
  const parts = error instanceof AggregateError ? error.errors : []
  const errno = code ?? (parts[0] instanceof Error && 'code' in parts[0] ? parts[0].code : undefined)
  if (errno === 'ECONNREFUSED')
    return 'nothing listens there; is the server running? Start it with: amber serve'
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') return 'there is no host by that name'
  if (errno === 4 || errno === 134 || errno === 5 || errno === 135) {
    return 'the server refused the user name or password (-u NAME -P PASSWORD)'
  }
  if (/connack timeout/i.test(error.message))
    return 'no answer within 10 s; does an MQTT server listen there?'
  return error.message
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

export function qosNumber(text: string): 0 | 1 | 2 {
  if (text === '0' || text === '1' || text === '2') return Number(text) as 0 | 1 | 2
  throw new InvalidArgumentError('QoS is 0, 1 or 2.')
}

function protocolVersion(text: string): 3 | 4 | 5 {
  const version = versions[text]
  if (version === undefined) throw new InvalidArgumentError('It is mqttv31, mqttv311 or mqttv5.')
  return version
}
