// The keywords of mosquitto.conf that speak of one listener. Before the first `listener` they mean the default one.

import { isIP } from 'node:net'
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

function startListener(conversion: Conversion, line: ConfLine): Answer {
  const [port = '', ...rest] = textOf(line).split(/\s+/)
  const place = rest.join(' ')
  const number = numberOf({ ...line, value: port })
  if (number > 65_535) throw new LineFault(`there is no port ${number}`)
  const at = conversion.listeners.length
  // Port 0 of an address is any free one; else it is the path of a socket.
  if (number === 0 && place !== '' && place !== 'localhost' && isIP(place) === 0) {
    conversion.startListener({ path: place })
    return `mqtt.listeners[${at}] on the unix socket ${place}`
  }
  conversion.startListener({ port: number, host: place })
  return `mqtt.listeners[${at}] on ${place === '' ? '*' : place}:${number}`
}

function setProtocol(conversion: Conversion, line: ConfLine): Answer {
  const protocol = textOf(line)
  if (protocol === 'mqtt' || protocol === 'websockets') return conversion.setListener('protocol', protocol)
  throw new LineFault(`"${protocol}" is not spoken; mqtt and websockets are`)
}

function setDomain(conversion: Conversion, line: ConfLine): Answer {
  const domain = textOf(line)
  if (domain !== 'ipv4' && domain !== 'ipv6') throw new LineFault(`must be ipv4 or ipv6, not "${domain}"`)
  const section = conversion.listener()
  if (section['host'] !== undefined && section['host'] !== '') {
    return { outcome: 'ignored', message: 'the address of the listener says it' }
  }
  return conversion.setListener('host', domain === 'ipv4' ? '0.0.0.0' : '::')
}

/** Older versions than 1.2 are not spoken, so nothing is weaker than asked for. */
function setTlsVersion(conversion: Conversion, line: ConfLine): Answer {
  const version = textOf(line)
  if (!/^tlsv1(\.[123])?$/.test(version)) throw new LineFault(`there is no TLS version "${version}"`)
  return conversion.setListener('tls_version_min', version === 'tlsv1.3' ? '1.3' : '1.2')
}

function setConnections(conversion: Conversion, line: ConfLine): Answer {
  const most = numberOf(line, -1)
  if (most === -1) return { outcome: 'ignored', message: 'only mqtt.max_connections counts' }
  return conversion.setListener('max_connections', most)
}

/** As Mosquitto reads them, but a number that is no version is told. */
function setVersions(conversion: Conversion, line: ConfLine): Answer {
  const versions = textOf(line)
    .split(/[, \t]+/)
    .filter((word) => word !== '')
  const wrong = versions.find((word) => !/^[345]$/.test(word))
  if (wrong !== undefined)
    throw new LineFault(`there is no protocol version "${wrong}"; 3, 4 and 5 are spoken`)
  return conversion.setListener('accept_protocol_versions', versions.map(Number))
}

function setMountPoint(conversion: Conversion, line: ConfLine): Answer {
  const mountPoint = textOf(line)
  if (/[+#]/.test(mountPoint)) throw new LineFault('must not contain the wildcards + and #')
  if (/^\$(SYS|share)(\/|$)/.test(mountPoint)) throw new LineFault('no client may publish there')
  const message = conversion.setListener('mount_point', mountPoint)
  if (mountPoint.endsWith('/')) return message
  return {
    outcome: 'warning',
    message: `${message}; without a / at its end, filters that begin with a wildcard are refused`,
  }
}

const setName =
  (from: 'common_name' | 'subject'): Handler =>
  (conversion, line) =>
    flagOf(line)
      ? conversion.setListener('username_from', from)
      : { outcome: 'ignored', message: 'it is so anyway' }

const set =
  (key: string): Handler =>
  (conversion, line) =>
    conversion.setListener(key, textOf(line))

const unlessFalse =
  (message: string): Handler =>
  (_conversion, line) =>
    flagOf(line) ? { outcome: 'error', message } : { outcome: 'ignored', message: 'it is so anyway' }

export const listenerKeywords: Record<string, Handler> = {
  accept_protocol_versions: setVersions,
  bind_address: set('host'),
  bind_interface: unsafe('listeners are bound to addresses; name the address of the interface instead'),
  cafile: set('ca_file'),
  capath: set('ca_file'),
  certfile: set('cert_file'),
  ciphers: set('ciphers'),
  'ciphers_tls1.3': unsupported('the ciphers of TLS 1.3 are those of Node; all of them are strong'),
  crlfile: set('crl_file'),
  dhparamfile: ignored('Node chooses the parameters'),
  disable_client_cert_date_checks: unsupported('client certificates that are out of date are refused'),
  enable_proxy_protocol: (conversion, line) => {
    if (![1, 2].includes(numberOf(line))) throw new LineFault('must be 1 or 2')
    return conversion.setListener('proxy_protocol', true)
  },
  http_dir: unsupported('files are not served; Amber has its own page on http.port'),
  keyfile: set('key_file'),
  listener: startListener,
  listener_allow_anonymous: (conversion, line) => conversion.setListener('allow_anonymous', flagOf(line)),
  listener_auto_id_prefix: set('auto_id_prefix'),
  max_connections: setConnections,
  mount_point: setMountPoint,
  port: (conversion, line) => {
    const number = numberOf(line)
    if (number > 65_535) throw new LineFault(`there is no port ${number}`)
    conversion.defaultListener ??= {}
    conversion.defaultListener['port'] = number
    return `the default listener: port = ${number}`
  },
  protocol: setProtocol,
  proxy_protocol_v2_require_tls: unlessFalse('whether the load balancer spoke TLS is not looked at'),
  require_certificate: (conversion, line) => conversion.setListener('require_certificate', flagOf(line)),
  socket_domain: setDomain,
  tls_engine: unsupported('keys are read from files, without an engine'),
  tls_engine_kpass_sha1: unsupported('keys are read from files, without an engine'),
  tls_keyform: unsupported('keys are read from files, without an engine'),
  tls_version: setTlsVersion,
  use_identity_as_username: setName('common_name'),
  use_subject_as_username: setName('subject'),
  use_username_as_clientid: unlessFalse(
    'client ids are not tied to user names, so one user could take over the session of another',
  ),
  websockets_origin: (conversion, line) => {
    const before = (conversion.listener()['origins'] as string[] | undefined) ?? []
    return conversion.setListener('origins', [...before, textOf(line)])
  },
}
