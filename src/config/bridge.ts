// One entry of `mqtt.bridges`: another broker, how to log in there, and which topics go which way.

import { Type, type Static } from '@sinclair/typebox'
import { choice, count, flag, text, texts } from './fields.ts'

const bridgeTopic = Type.Object({
  filter: text('', 'Topic filter, behind the prefixes. Empty: the prefixes alone are the topic.'),
  direction: choice(['in', 'out', 'both'], 'out', '`in`: from there to here, `out`: from here to there.'),
  qos: Type.Integer({ minimum: 0, maximum: 2, default: 0, description: 'Highest QoS on the way.' }),
  local_prefix: text('', 'Stands before the filter here.'),
  remote_prefix: text('', 'Stands before the filter there.'),
})

export const bridgeSchema = Type.Object({
  name: Type.String({ minLength: 1, description: 'What the bridge is called; once each.' }),
  addresses: Type.Array(Type.String(), {
    minItems: 1,
    description: '`host:port`, tried in turn until one answers.',
  }),
  topics: Type.Array(bridgeTopic, {
    default: [],
    description: 'What is carried: `filter`, `direction`, `qos`, `local_prefix`, `remote_prefix`.',
  }),
  client_id: text('', 'Client id there. Empty: `amber.` and the name of the bridge.'),
  username: text('', 'User name there.'),
  password: text('', 'Password there. Better in `password_file`.'),
  password_file: text('', 'File that holds the password alone.'),
  protocol_version: choice(['3.1', '3.1.1', '5'], '3.1.1', 'MQTT version spoken there.'),
  clean_start: flag(false, 'Forget the session there at each connection.'),
  keepalive_s: count(60, 'Keep alive, in seconds.', 5),
  tls: flag(false, 'Encrypt, and check the certificate against `ca_file` or the authorities of Node.'),
  ca_file: text('', 'PEM file, or directory of them, with the authorities to trust. Set: TLS.'),
  cert_file: text('', 'PEM file with the client certificate.'),
  key_file: text('', 'PEM file with its private key.'),
  insecure: flag(false, 'Do not compare the name in the certificate. For tests.'),
  alpn: texts('Protocols offered in the TLS handshake.'),
  try_private: flag(
    true,
    'Tell an MQTT 3 broker that this is a bridge, so that it sends nothing back, as Mosquitto and Amber understand. Off for others: what comes back is then recognised here.',
  ),
  outgoing_retain: flag(true, 'Send the retain flag along.'),
  notifications: flag(
    true,
    'Keep a retained `1` or `0` there and here that says whether the bridge is connected.',
  ),
  notifications_local_only: flag(false, 'Keep it here only.'),
  notification_topic: text('', 'Its topic. Empty: `$SYS/broker/connection/CLIENT_ID/state`.'),
  reconnect_min_s: count(1, 'Shortest wait before the next attempt; doubled from attempt to attempt.', 1),
  reconnect_max_s: count(60, 'Longest wait.', 1),
  max_packet_size: count(0, 'Largest packet sent there, in bytes. 0: any.'),
})

export type BridgeConfig = Static<typeof bridgeSchema>
