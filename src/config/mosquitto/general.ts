// The keywords of mosquitto.conf that speak of the whole broker, each with what it means here.

import { join } from 'node:path'
import {
  type Answer,
  type Conversion,
  flagOf,
  type Handler,
  ignored,
  LineFault,
  numberOf,
  textOf,
  unsafe,
  unsupported,
} from './conversion.ts'
import type { ConfLine } from './lines.ts'

/** Where Mosquitto says "no limit" by 0: every queue here has a limit, so it is a far one. */
const messagesNoLimit = 1_000_000
const bytesNoLimit = 4_294_967_296
const packetBytesMax = 268_435_455
const packetBytesMin = 1024

const logLevels: Record<string, string> = {
  none: 'silent',
  error: 'error',
  warning: 'warn',
  notice: 'info',
  information: 'info',
  subscribe: 'info',
  unsubscribe: 'info',
  debug: 'debug',
  websockets: 'debug',
  internal: 'debug',
  all: 'debug',
}
const mostTold = ['silent', 'error', 'warn', 'info', 'debug']

const setCount =
  (key: string, { ofZero }: { ofZero?: number } = {}): Handler =>
  (conversion, line) => {
    const value = numberOf(line)
    if (value !== 0 || ofZero === undefined) return conversion.set(key, value, line)
    return `${conversion.set(key, ofZero, line)} (0 is no limit in Mosquitto; here every queue has one)`
  }

const setFlag =
  (key: string): Handler =>
  (conversion, line) =>
    conversion.set(key, flagOf(line), line)

/** Only one value of a flag can be had. */
const onlyFlag =
  (wanted: boolean, message: string): Handler =>
  (_conversion, line) =>
    flagOf(line) === wanted
      ? { outcome: 'ignored', message: 'it is so anyway' }
      : { outcome: 'warning', message }

/** `2d` and the like: h, d, w, m (30 days), y. */
function expirySeconds(line: ConfLine): number {
  const [, count = '', unit = ''] = /^(\d+)([hdwmy])$/.exec(line.value) ?? []
  const hours: Record<string, number> = { h: 1, d: 24, w: 168, m: 720, y: 8760 }
  if (hours[unit] === undefined)
    throw new LineFault(`must be a number with h, d, w, m or y, not "${line.value}"`)
  return Number(count) * hours[unit] * 3600
}

function setPacketSize(conversion: Conversion, line: ConfLine, value: number): Answer {
  const size = Math.min(Math.max(value === 0 ? packetBytesMax : value, packetBytesMin), packetBytesMax)
  return conversion.set('mqtt.max_packet_size', size, line)
}

function setLogLevel(conversion: Conversion, line: ConfLine): Answer {
  const level = logLevels[textOf(line)]
  if (level === undefined) throw new LineFault(`there is no log type "${line.value}"`)
  const before = conversion.settings.find(({ key }) => key === 'log.level')?.value
  const told = Math.max(
    mostTold.indexOf(level),
    mostTold.findIndex((name) => name === before),
  )
  return conversion.set('log.level', mostTold[told], line)
}

function setLogDestination(conversion: Conversion, line: ConfLine): Answer {
  const [kind = ''] = line.value.split(/\s+/)
  if (kind === 'none') return conversion.set('log.level', 'silent', line)
  if (kind === 'stderr') return 'logs go to standard error'
  if (kind === 'topic')
    return { outcome: 'warning', message: 'logs are not published; read them on standard error' }
  return { outcome: 'ignored', message: 'logs go to standard error; a service manager or a shell keeps them' }
}

function setMessageLimit(conversion: Conversion, line: ConfLine): Answer {
  const size = numberOf(line)
  // It counts payloads, and a packet has a topic and properties besides.
  setPacketSize(conversion, line, size === 0 ? 0 : size + 131_072)
  return conversion.set('mqtt.max_payload_size', size, line)
}

const alwaysWritten = ignored('what must last is on the disk before it is acknowledged')
const noMeaning = (what: string): Handler => ignored(`${what} has no part here`)

export const generalKeywords: Record<string, Handler> = {
  allow_duplicate_messages: ignored('a client gets a publish once, however many of its filters match'),
  autosave_interval: alwaysWritten,
  autosave_on_changes: alwaysWritten,
  check_retain_source: setFlag('mqtt.check_retain_source'),
  clientid_prefixes: unsafe(
    'client ids are not restricted here; use ACL patterns with %c, and take the line out',
  ),
  connection_messages: ignored('refused logins are always logged, others with log.level debug'),
  enable_control_api: noMeaning('the control API'),
  global_max_clients: setCount('mqtt.max_connections'),
  global_max_connections: setCount('mqtt.max_connections'),
  include_dir: () => 'its files follow',
  log_dest: setLogDestination,
  log_facility: noMeaning('syslog'),
  log_timestamp: ignored('every line has a time'),
  log_timestamp_format: ignored('every line has a time; JSON lines have it in full'),
  log_type: setLogLevel,
  max_inflight_bytes: onlyZero('bytes in flight are not limited apart from max_inflight_messages'),
  max_inflight_messages: setCount('mqtt.max_inflight_messages', { ofZero: 65_535 }),
  max_keepalive: setCount('mqtt.max_keepalive_s'),
  max_packet_size: (conversion, line) => setPacketSize(conversion, line, numberOf(line)),
  max_queued_bytes: setCount('mqtt.max_queued_bytes', { ofZero: bytesNoLimit }),
  max_queued_messages: setCount('mqtt.max_queued_messages', { ofZero: messagesNoLimit }),
  max_topic_alias: setCount('mqtt.max_topic_alias'),
  max_topic_alias_broker: noMeaning('it'),
  memory_limit: onlyZero('memory is bounded by the limits of queues and packets, not by one number'),
  message_size_limit: setMessageLimit,
  packet_buffer_size: noMeaning('the size of a read buffer'),
  per_listener_settings: (_conversion, line) =>
    flagOf(line)
      ? 'accounts and rights belong to the listener they stand below'
      : 'accounts and rights are shared',
  persistence: (_conversion, line) =>
    flagOf(line)
      ? 'sessions, retained messages and every reading last'
      : { outcome: 'ignored', message: 'sessions, retained messages and readings always last' },
  persistence_file: ignored('the data has its own format below store.path'),
  persistence_location: (conversion, line) => conversion.set('store.path', join(textOf(line), 'amber'), line),
  persistent_client_expiration: (conversion, line) =>
    conversion.set('mqtt.max_session_expiry_s', expirySeconds(line), line),
  pid_file: ignored('no file is written; a service manager knows the process'),
  queue_qos0_messages: onlyFlag(
    false,
    'QoS 0 messages are not kept for absent clients; every one can be read over HTTP',
  ),
  retained_persistence: onlyFlag(true, 'retained messages always last'),
  retain_expiry_interval: unsupported(
    'retained messages have no general expiry; MQTT 5 publishers set their own',
  ),
  retry_interval: ignored('messages are sent again when a connection comes back, as the standard has it'),
  set_tcp_nodelay: ignored('it is always on'),
  store_clean_interval: noMeaning('it'),
  sys_interval: setCount('mqtt.sys_interval_s'),
  upgrade_outgoing_qos: onlyFlag(false, 'a message is never sent with more QoS than it was published with'),
  user: ignored('start the service as that user'),
  websockets_headers_size: noMeaning('libwebsockets'),
  websockets_log_level: noMeaning('libwebsockets'),
  allow_zero_length_clientid: (conversion, line) =>
    conversion.perListener
      ? conversion.setListener('allow_zero_length_clientid', flagOf(line))
      : conversion.set('mqtt.allow_zero_length_clientid', flagOf(line), line),
  auto_id_prefix: (conversion, line) =>
    conversion.perListener
      ? conversion.setListener('auto_id_prefix', textOf(line))
      : conversion.set('mqtt.auto_id_prefix', textOf(line), line),
  max_qos: (conversion, line) => conversion.set('mqtt.max_qos', numberOf(line), line),
  maximum_qos: (conversion, line) => conversion.set('mqtt.max_qos', numberOf(line), line),
  retain_available: setFlag('mqtt.retain_available'),
}

function onlyZero(message: string): Handler {
  return (_conversion, line) =>
    numberOf(line) === 0
      ? { outcome: 'ignored', message: 'it is so anyway' }
      : { outcome: 'warning', message }
}
