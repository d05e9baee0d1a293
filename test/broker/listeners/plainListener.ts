// A listener on a free port of this machine with nothing special about it.

import type { ListenerConfig } from '../../../src/config/listener.ts'

export const plainListener: ListenerConfig = {
  name: '',
  host: '127.0.0.1',
  port: 0,
  path: '',
  protocol: 'mqtt',
  accept_protocol_versions: [],
  mount_point: '',
  cert_file: '',
  key_file: '',
  sni: [],
  ca_file: '',
  crl_file: '',
  require_certificate: false,
  username_from: 'connect',
  tls_version_min: '1.2',
  ciphers: '',
  proxy_protocol: false,
  proxy_trusted: [],
  max_connections: 0,
  origins: [],
}
