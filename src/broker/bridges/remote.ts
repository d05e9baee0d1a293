// A bridge's connection to the other broker: the options it is made with, out of the configuration, and its end.

import { readFileSync } from 'node:fs'
import type { IClientOptions, MqttClient } from 'mqtt'
import type { BridgeConfig } from '../../config/bridge.ts'
import { AppError } from '../../domain/errors.ts'
import { readAuthorities, readPem } from '../../ops/pem.ts'

export interface Address {
  host: string
  port: number
}

const versions = {
  '3.1': { protocolVersion: 3, protocolId: 'MQIsdp' },
  '3.1.1': { protocolVersion: 4, protocolId: 'MQTT' },
  '5': { protocolVersion: 5, protocolId: 'MQTT' },
} as const

const connectTimeoutMs = 20_000
/** How long the other broker may take to hear that the bridge ends. */
const partingMs = 2000
const neverExpires = 0xffff_ffff
const receiveMax = 1000

export function isEncrypted({ tls, ca_file: ca }: BridgeConfig): boolean {
  return tls || ca !== ''
}

/** `host`, `host:port`, `[::1]:port`. Throws `bad_config`. */
export function parseAddress(text: string, bridge: BridgeConfig): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  const number = port === undefined ? (isEncrypted(bridge) ? 8883 : 1883) : Number(port)
  if (host === undefined || number === 0 || number > 65_535) {
    throw new AppError('bad_config', `bridge ${bridge.name}: "${text}" is no address; write host:port`)
  }
  return { host, port: number }
}

export function remoteClientId({ client_id: id, name }: BridgeConfig): string {
  return id === '' ? `amber.${name}` : id
}

/** Where the other side is told whether the bridge is connected; `null`: it is not told. */
export function remoteNotification(bridge: BridgeConfig, isPrivate: boolean): string | null {
  if (!bridge.notifications || bridge.notifications_local_only) return null
  if (bridge.notification_topic !== '') return bridge.notification_topic
  // Only from a bridge a broker takes what stands below $SYS.
  return isPrivate ? stateTopic(bridge) : null
}

export function stateTopic(bridge: BridgeConfig): string {
  return `$SYS/broker/connection/${remoteClientId(bridge)}/state`
}

/** Reads the files it names. Throws `bad_config`. */
export function remoteOptions(
  bridge: BridgeConfig,
  { host, port }: Address,
  isPrivate: boolean,
): IClientOptions {
  const is5 = bridge.protocol_version === '5'
  const notification = remoteNotification(bridge, isPrivate)
  const password = bridge.password_file === '' ? bridge.password : readPassword(bridge)
  return {
    ...versions[bridge.protocol_version],
    host,
    port,
    clientId: remoteClientId(bridge),
    ...(bridge.username === '' ? {} : { username: bridge.username }),
    ...(password === '' ? {} : { password }),
    clean: bridge.clean_start,
    keepalive: bridge.keepalive_s,
    reconnectPeriod: 0,
    manualConnect: true,
    connectTimeout: connectTimeoutMs,
    resubscribe: false,
    queueQoSZero: false,
    reschedulePings: true,
    ...(notification === null
      ? {}
      : { will: { topic: notification, payload: Buffer.from('0'), qos: 1, retain: true } }),
    ...(is5
      ? {
          properties: {
            sessionExpiryInterval: bridge.clean_start ? 0 : neverExpires,
            receiveMaximum: receiveMax,
          },
        }
      : {}),
    ...(isEncrypted(bridge) ? tlsOptions(bridge, host) : { protocol: 'mqtt' }),
  }
}

/** Says goodbye, and resolves when the connection is gone, at the latest after `partingMs`. */
export async function endRemote(remote: MqttClient): Promise<void> {
  // The client waits for every acknowledgement, and for the other side to close; both may never come.
  const timer = setTimeout(() => remote.stream?.destroy(), partingMs)
  await new Promise<void>((resolve) => {
    remote.once('close', () => resolve())
    remote.end(!remote.connected, {}, () => resolve())
  })
  clearTimeout(timer)
}

function tlsOptions(bridge: BridgeConfig, host: string): IClientOptions {
  const { ca_file, cert_file, key_file, alpn, insecure } = bridge
  return {
    protocol: 'mqtts',
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(ca_file === '' ? {} : { ca: readAuthorities(ca_file) }),
    ...(cert_file === '' ? {} : { cert: readPem(cert_file), key: readPem(key_file) }),
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
    ...(insecure ? { checkServerIdentity: () => undefined } : {}),
  } as IClientOptions
}

function readPassword({ name, password_file: path }: BridgeConfig): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new AppError('bad_config', `bridge ${name}: cannot read password_file ${path}: ${String(error)}`, {
      cause: error,
    })
  }
}
