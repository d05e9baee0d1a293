// The keywords of mosquitto.conf below `connection`: a bridge to another broker.

import { hostname } from 'node:os'
import {
  type Answer,
  type Conversion,
  flagOf,
  type Handler,
  ignored,
  LineFault,
  numberOf,
  type Section,
  textOf,
  unsafe,
  unsupported,
} from './conversion.ts'
import type { ConfLine } from './lines.ts'

function bridgeOf(conversion: Conversion): Section {
  if (conversion.bridge === null) throw new LineFault('belongs below a line with connection')
  return conversion.bridge
}

function set(conversion: Conversion, key: string, value: unknown, shown = JSON.stringify(value)): string {
  const bridge = bridgeOf(conversion)
  bridge[key] = value
  return `mqtt.bridges[${conversion.bridges.indexOf(bridge)}]: ${key} = ${shown}`
}

const setText =
  (key: string): Handler =>
  (conversion, line) =>
    set(conversion, key, textOf(line))

const setFlag =
  (key: string): Handler =>
  (conversion, line) =>
    set(conversion, key, flagOf(line))

/** Not shown: it is a secret. */
const setPassword: Handler = (conversion, line) => set(conversion, 'password', textOf(line), '***')

function startBridge(conversion: Conversion, line: ConfLine): Answer {
  const name = textOf(line)
  conversion.bridge = { name, addresses: [], topics: [] }
  conversion.bridges.push(conversion.bridge)
  return `mqtt.bridges[${conversion.bridges.length - 1}] with the name ${name}`
}

function setAddresses(conversion: Conversion, line: ConfLine): Answer {
  const addresses = textOf(line).split(/\s+/)
  return set(conversion, 'addresses', addresses)
}

/** `pattern [direction [qos [local-prefix [remote-prefix]]]]`; `""` is an empty one, and quotes keep spaces together. */
function addTopic(conversion: Conversion, line: ConfLine): Answer {
  const bridge = bridgeOf(conversion)
  const words = textOf(line).match(/"[^"]*"|\S+/g) ?? []
  const [filter, direction = 'out', qos = '0', local = '', remote = '', ...more] = words.map((word) =>
    word.replace(/^"(.*)"$/, '$1'),
  )
  if (!['in', 'out', 'both'].includes(direction))
    throw new LineFault(`"${direction}" is neither in, out nor both`)
  if (!/^[012]$/.test(qos)) throw new LineFault(`there is no QoS "${qos}"`)
  if (more.length > 0) throw new LineFault(`"${more.join(' ')}" stands behind the prefixes`)
  const topic = { filter, direction, qos: Number(qos), local_prefix: local, remote_prefix: remote }
  ;(bridge['topics'] as unknown[]).push(topic)
  return `mqtt.bridges[${conversion.bridges.indexOf(bridge)}]: ${local}${filter} ${direction} ${remote}${filter}, QoS ${qos}`
}

/** One number is a fixed wait, two are the least and the most; Mosquitto doubles as well. */
function setRestart(conversion: Conversion, line: ConfLine): Answer {
  const [least = '', most = least, ...more] = textOf(line).split(/\s+/)
  if (more.length > 0) throw new LineFault('has at most two numbers')
  const from = numberOf({ ...line, value: least }, 1)
  const to = numberOf({ ...line, value: most }, 1)
  if (to < from) throw new LineFault('the longest wait is shorter than the shortest')
  set(conversion, 'reconnect_min_s', from)
  return `${set(conversion, 'reconnect_max_s', to)}, reconnect_min_s = ${from}`
}

function setVersion(conversion: Conversion, line: ConfLine): Answer {
  const versions: Record<string, string> = { mqttv31: '3.1', mqttv311: '3.1.1', mqttv50: '5', mqttv5: '5' }
  const version = versions[textOf(line)]
  if (version === undefined) throw new LineFault(`there is no version "${line.value}"`)
  return set(conversion, 'protocol_version', version)
}

function setStart(_conversion: Conversion, line: ConfLine): Answer {
  const kind = textOf(line)
  if (kind === 'automatic') return { outcome: 'ignored', message: 'it is so anyway' }
  return { outcome: 'warning', message: `"${kind}" is not there; the bridge is connected all the time` }
}

const noPsk = unsafe('pre-shared keys are not spoken; the bridge would talk unencrypted. Use certificates')

export const bridgeKeywords: Record<string, Handler> = {
  address: setAddresses,
  addresses: setAddresses,
  bridge_alpn: (conversion, line) => set(conversion, 'alpn', [textOf(line)]),
  bridge_attempt_unsubscribe: ignored('what is not subscribed is not taken back'),
  bridge_bind_address: unsupported('the system chooses the address the bridge comes from'),
  bridge_cafile: setText('ca_file'),
  bridge_capath: setText('ca_file'),
  bridge_certfile: setText('cert_file'),
  bridge_ciphers: unsupported('the ciphers are those of Node'),
  bridge_identity: noPsk,
  bridge_insecure: setFlag('insecure'),
  bridge_keyfile: setText('key_file'),
  bridge_max_packet_size: (conversion, line) => set(conversion, 'max_packet_size', numberOf(line)),
  bridge_max_topic_alias: ignored('topics are sent in full'),
  bridge_outgoing_retain: setFlag('outgoing_retain'),
  bridge_protocol_version: setVersion,
  bridge_psk: noPsk,
  bridge_receive_maximum: ignored('it is chosen here'),
  bridge_reload_type: ignored('bridges start with the server'),
  bridge_require_ocsp: (_conversion, line) =>
    flagOf(line)
      ? { outcome: 'error', message: 'revocation by OCSP is not checked' }
      : { outcome: 'ignored', message: 'it is so anyway' },
  bridge_session_expiry_interval: ignored('the session there does not expire, unless cleansession is true'),
  bridge_tcp_keepalive: ignored('keepalive_interval finds the other side gone'),
  bridge_tcp_user_timeout: ignored('keepalive_interval finds the other side gone'),
  bridge_tls_version: ignored('TLS 1.2 and 1.3 are spoken'),
  bridge_tls_use_os_certs: (conversion, line) => set(conversion, 'tls', flagOf(line)),
  cleansession: setFlag('clean_start'),
  clientid: setText('client_id'),
  connection: startBridge,
  idle_timeout: ignored('it belongs to start_type lazy'),
  keepalive_interval: (conversion, line) => set(conversion, 'keepalive_s', numberOf(line, 5)),
  local_cleansession: ignored('the queue here lasts'),
  local_clientid: ignored('the session here is named after the bridge'),
  local_password: ignored('the bridge needs no account here'),
  local_username: ignored('the bridge needs no account here'),
  notification_topic: setText('notification_topic'),
  notifications: setFlag('notifications'),
  notifications_local_only: setFlag('notifications_local_only'),
  password: setPassword,
  remote_clientid: setText('client_id'),
  remote_password: setPassword,
  remote_username: setText('username'),
  restart_timeout: setRestart,
  round_robin: (_conversion, line) =>
    flagOf(line)
      ? 'after a loss the next address is tried'
      : {
          outcome: 'ignored',
          message: 'after a loss the next address is tried, and the one that answers is kept',
        },
  start_type: setStart,
  threshold: ignored('it belongs to start_type lazy'),
  topic: addTopic,
  try_private: setFlag('try_private'),
  username: setText('username'),
}

/** After the last line. Without a client id a bridge has Mosquitto's, so that the session there is the one it had. */
export function settleBridges(conversion: Conversion, file: string): void {
  for (const bridge of conversion.bridges) bridge['client_id'] ??= `${hostname()}.${String(bridge['name'])}`
  if (conversion.bridges.length > 0) conversion.imply('mqtt.bridges', conversion.bridges, file)
}
