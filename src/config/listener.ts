// One entry of `mqtt.listeners`: where clients come in, how they are encrypted, and what is different for them.

import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { choice, count, flag, port, text, texts } from './fields.ts'

const certificate = Type.Object({
  server_name: text('', 'The name asked for; `*.example.org` is any one name below it.'),
  cert_file: text('', 'PEM file with the certificate and those above it.'),
  key_file: text('', 'PEM file with its private key.'),
})

export const listenerSchema = Type.Object({
  name: text('', 'What it is called in logs. Empty: its address.'),
  host: text('', 'Address to listen on. Empty: every address, as for `mqtt.host`.'),
  port: port(1883, 'TCP port. 0 lets the system choose.'),
  path: text('', 'Unix socket to listen on instead of an address and a port.'),
  protocol: choice(['mqtt', 'websockets'], 'mqtt', 'MQTT on the bare connection, or inside WebSocket.'),
  accept_protocol_versions: Type.Array(Type.Integer({ minimum: 3, maximum: 5 }), {
    default: [],
    description:
      'Versions of MQTT spoken here: `3` (3.1), `4` (3.1.1), `5`; a client with another is refused. Empty: all three.',
  }),
  mount_point: text(
    '',
    'Put in front of every topic and filter of a client here, and taken off what it is sent, such as `site1/`. Readings and the ACL have the whole topic.',
  ),
  cert_file: text(
    '',
    'PEM file with the certificate and those above it. Set: TLS. Read again when it changes.',
  ),
  key_file: text('', 'PEM file with the private key.'),
  sni: Type.Array(certificate, {
    default: [],
    description:
      'More certificates, chosen by the name a client asks for: `server_name`, `cert_file`, `key_file`.',
  }),
  ca_file: text('', 'PEM file, or directory of them, with the authorities that sign client certificates.'),
  crl_file: text(
    '',
    'PEM file with the revocation lists of every authority up to the root; where one is missing, clients are refused.',
  ),
  require_certificate: flag(false, 'Refuse clients without a certificate of these authorities.'),
  username_from: choice(
    ['connect', 'common_name', 'subject'],
    'connect',
    'The user name: as CONNECT says it, or out of the client certificate; then no password is asked for.',
  ),
  tls_version_min: choice(['1.2', '1.3'], '1.2', 'Oldest TLS version spoken.'),
  ciphers: text('', "Ciphers in OpenSSL's notation. Empty: those of Node."),
  proxy_protocol: flag(
    false,
    'Connections begin with a PROXY protocol header (version 1 or 2) of a load balancer.',
  ),
  proxy_trusted: texts(
    'Addresses and networks (`10.0.0.0/8`) a PROXY header is believed from; empty: any that can connect.',
  ),
  max_connections: count(
    0,
    'Connections of this listener at one time. 0: only `mqtt.max_connections` counts.',
  ),
  origins: texts(
    'Web pages that may connect by WebSocket, such as `https://example.org`. Empty: any, as a password is needed anyway.',
  ),
  auto_id_prefix: Type.Optional(
    Type.String({
      description: 'Begins the client ids that are given here. Unset: as `mqtt.auto_id_prefix`.',
    }),
  ),
  allow_zero_length_clientid: Type.Optional(
    Type.Boolean({
      description: 'Let clients in that send no client id here. Unset: as `mqtt.allow_zero_length_clientid`.',
    }),
  ),
  allow_anonymous: Type.Optional(
    Type.Boolean({
      description: 'Let clients in without a user name here. Unset: as `auth.allow_anonymous`.',
    }),
  ),
  password_file: Type.Optional(
    Type.String({ description: 'Password file for this listener. Unset: as `auth.password_file`.' }),
  ),
  acl_file: Type.Optional(
    Type.String({ description: 'ACL file for this listener. Unset: as `auth.acl_file`.' }),
  ),
})

export type ListenerConfig = Static<typeof listenerSchema>

/** A listener with nothing special about it. */
export function plainListener({ host, port }: Pick<ListenerConfig, 'host' | 'port'>): ListenerConfig {
  return Value.Default(listenerSchema, { host, port }) as ListenerConfig
}
