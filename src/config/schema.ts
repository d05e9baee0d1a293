// Every key of the configuration: its type, its default, its unit and its reason. The one source of the
// flags, the environment names, the YAML keys and docs/configuration.md (a test keeps that page equal).

import { Type, type Static } from '@sinclair/typebox'
import { bridgeSchema } from './bridge.ts'
import { retentionSchema } from './retention.ts'
import { choice, count, flag, port, text } from './fields.ts'
import { listenerSchema } from './listener.ts'

export const configSchema = Type.Object(
  {
    mqtt: Type.Object({
      host: text(
        '',
        'Address to listen on. Empty: every address, but loopback only while a demo account can log in.',
      ),
      port: port(1883, 'TCP port for MQTT. 0 lets the system choose.'),
      default_listener: flag(
        true,
        'Listen on `mqtt.host` and `mqtt.port`. Off: only the listeners of the list.',
      ),
      listeners: Type.Array(listenerSchema, {
        default: [],
        maxItems: 64,
        description: 'More places to listen on: TLS, WebSocket, unix sockets, PROXY protocol.',
      }),
      max_packet_size: count(
        17_825_792,
        'Largest packet accepted, in bytes; told to MQTT 5 clients. By default a payload of 16 MiB fits, with its topic and properties.',
        1024,
      ),
      max_payload_size: count(0, 'Largest payload of a publish, in bytes. 0: what a packet can hold.'),
      max_connections: count(100_000, 'Connections at one time; more are refused.', 1),
      connect_timeout_ms: count(10_000, 'How long a new connection may take to send CONNECT.', 100),
      max_keepalive_s: count(0, 'Longest keep alive granted, in seconds. 0: any.'),
      max_inflight: count(
        1000,
        'Unacknowledged QoS 1 and 2 publishes a client may have under way towards the server (Receive Maximum).',
        1,
      ),
      max_inflight_messages: count(
        1000,
        'QoS 1 and 2 messages sent to one subscriber and not acknowledged yet; a smaller Receive Maximum of its own holds.',
        1,
      ),
      max_queued_messages: count(
        10_000,
        'Messages kept for one absent or slow session; what comes on top is dropped and counted.',
        1,
      ),
      max_queued_bytes: count(
        67_108_864,
        'Bytes kept for one absent or slow session. A connected subscriber that stays behind by more is closed.',
        1024,
      ),
      max_topic_levels: count(201, 'Levels a topic or filter may have.', 1),
      max_topic_alias: count(100, 'Topic aliases a client may use (MQTT 5).'),
      max_session_expiry_s: count(0, 'Longest session expiry granted, in seconds. 0: any.'),
      max_subscriptions: count(10_000, 'Subscriptions of one session; more are refused.', 1),
      refuse_unreadable_subscriptions: flag(
        true,
        'Refuse a subscription to one topic that the client may not read. Off, as Mosquitto does: it is granted, and nothing comes.',
      ),
      acknowledge_refused: flag(
        false,
        'MQTT 3 has no word for a refused publish. Off: its connection is closed. On, as Mosquitto does: what the ACL forbids or `max_payload_size` is too small for is acknowledged, dropped and counted. What cannot be stored is never acknowledged.',
      ),
      check_retain_source: flag(
        true,
        'Send a retained message only while the ACL still lets publish it whoever did. It is kept, and comes again with the right.',
      ),
      response_information: text(
        '',
        'Where clients may have answers sent (MQTT 5 response information): this and / and the client id. Empty: not told.',
      ),
      session_limit: count(100_000, 'Sessions kept for absent clients.', 1),
      allow_zero_length_clientid: flag(true, 'Let clients in that send no client id; they are given one.'),
      auto_id_prefix: text('auto-', 'Begins the client ids that are given.'),
      max_qos: Type.Integer({
        minimum: 0,
        maximum: 2,
        default: 2,
        description: 'Highest QoS a client may publish with.',
      }),
      retain_available: flag(true, 'Let clients publish retained messages.'),
      max_connections_per_address: count(0, 'Connections from one address at one time. 0: any number.'),
      max_connects_per_s_per_address: count(
        0,
        'New connections a second from one address; more are closed. 0: any number.',
      ),
      max_messages_per_s: count(
        0,
        'MQTT packets a second read from one connection; more wait in its socket. 0: any number.',
      ),
      max_bytes_per_s: count(
        0,
        'Bytes a second read from one connection; more wait in its socket. 0: any number.',
      ),
      ban_failed_logins: flag(
        true,
        'Refuse connections from an address for a while after repeated failed logins.',
      ),
      ban_after: count(10, 'Failed logins within `mqtt.ban_window_s` that lead to a ban.', 1),
      ban_window_s: count(600, 'Seconds over which failed logins are counted.', 1),
      ban_time_s: count(600, 'Seconds a ban lasts.', 1),
      ban_exempt: Type.Array(Type.String(), {
        default: ['127.0.0.0/8', '::1'],
        description: 'Addresses and networks that are never banned, such as a reverse proxy.',
      }),
      bridges: Type.Array(bridgeSchema, {
        default: [],
        maxItems: 64,
        description: 'Other brokers to exchange messages with.',
      }),
      presence_clients: count(
        10_000,
        'Clients whose last 32 connects and disconnects are remembered, also over a restart. 0: none.',
      ),
      sys_interval_s: count(
        10,
        'Seconds between two looks at the counters of `$SYS/broker/…`. 0: no such topics.',
      ),
      sys_format: choice(
        ['json', 'mosquitto'],
        'json',
        'How `$SYS/broker/version` and `uptime` are written: as JSON, or as the bare text of Mosquitto.',
      ),
    }),
    http: Type.Object({
      host: text(
        '',
        'Address to listen on. Empty: every address, but loopback only while a demo account can log in.',
      ),
      port: port(8080, 'TCP port for HTTP. 0 lets the system choose.'),
      cert_file: text(
        '',
        'PEM file with the certificate and those above it. Set: HTTPS and nothing else. Read again when it changes.',
      ),
      key_file: text('', 'PEM file with its private key.'),
      cors: Type.Array(Type.String(), {
        default: [],
        description: 'Origins whose pages may call the API, such as https://example.org; * for any.',
      }),
      max_body_size: count(16_777_216, 'Largest request body, in bytes.', 1024),
      requests_per_minute: count(
        0,
        'Requests a login may make in a minute; told in RateLimit headers. 0: any number.',
      ),
      ticket_lifetime_s: count(
        300,
        'How long a ticket for EventSource may be used to connect, in seconds.',
        1,
      ),
      session_lifetime_s: count(
        2_592_000,
        'How long a browser stays logged in after its login, in seconds.',
        1,
      ),
      session_idle_s: count(604_800, 'How long it stays logged in without a request, in seconds.', 1),
      max_sessions: count(
        10_000,
        'Browsers logged in at one time; the one that was idle longest is logged out for another.',
        1,
      ),
    }),
    auth: Type.Object({
      password_file: text(
        'passwd',
        'Password file in the format of mosquitto_passwd. Empty: none, so nobody but anonymous clients (when allowed) gets in.',
      ),
      acl_file: text(
        '',
        "ACL file in Mosquitto's format. Empty: whoever is let in may read and write every topic.",
      ),
      token_file: text(
        'tokens',
        'File of bearer tokens for HTTP, made by `amber token create`. It need not be there. Empty: no tokens.',
      ),
      create_password_file: flag(
        false,
        'Make the password file when there is none, with the user `admin` and a random password that is printed once.',
      ),
      allow_anonymous: flag(false, 'Let clients in without a user name.'),
      trust_user_names: flag(
        false,
        'Where there is no password file and anonymous clients get in, one that sends a user name has the rights the ACL file gives that name. Nobody checks it.',
      ),
      admins: Type.Array(Type.String(), {
        default: ['admin'],
        description: 'Users who may manage the server.',
      }),
    }),
    store: Type.Object({
      engine: choice(
        ['leveldb', 'memory'],
        'leveldb',
        'Where readings last. `memory` forgets at exit: for tests only.',
      ),
      path: text('data', 'Directory of the data.'),
      durability: choice(
        ['fsync', 'os', 'async'],
        'fsync',
        'When a publish is acknowledged: after it is on the disk (`fsync`), after the system has it (`os`), or at once (`async`).',
      ),
      max_pending_bytes: count(
        67_108_864,
        'Bytes waiting for a commit before publishes are refused as overload.',
        65_536,
      ),
      memory: choice(
        ['normal', 'small'],
        'normal',
        'How much memory the server may take for what it stores: `small` for a Raspberry Pi, 140 to 160 MB in all at 5,000 messages a second.',
      ),
      query_threads: Type.Integer({
        minimum: 0,
        maximum: 64,
        default: 0,
        description:
          'Threads that read for long queries, each with a part of the topics. 0: two, or one with `memory: small`.',
      }),
      max_bytes: count(
        0,
        'Bytes on disk above which the oldest readings are removed, whole blocks at a time. 0: no limit.',
      ),
      retention: Type.Array(retentionSchema, {
        default: [],
        description: 'How long readings are kept, by topic filter; looked at every minute.',
      }),
    }),
    rules: Type.Object({
      file: text(
        '',
        'YAML file of cleaning rules, see docs/cleaning.md. It is read again when it changes. Empty: none.',
      ),
      profiles: Type.Array(Type.String(), {
        default: [],
        description: 'Families of devices whose rules apply after those of the file; `all` for all of them.',
      }),
    }),
    descriptions: Type.Object({
      home_assistant: text(
        'homeassistant',
        'Discovery prefix of Home Assistant: names, units and kinds of fields are read from there. Empty: they are not.',
      ),
      homie: text('homie', 'Root topic of the Homie convention, the same. Empty: they are not read.'),
      fields: count(100_000, 'Fields described at a time, of all topics together.', 1),
    }),
    limits: Type.Object({
      query_rows: count(1_000_000, 'Rows one query may return.', 1),
      query_samples: count(
        5_000_000,
        'Samples one PromQL query, or one aggregate with tags as groups, may take from the store, work out, or hold while it does.',
        1,
      ),
      query_time_ms: count(30_000, 'Time one query may take.', 1),
      query_concurrency: count(16, 'Queries at one time; more wait.', 1),
      min_seq_waiters: count(
        1000,
        'Requests with `min_seq=` that wait at one time; more are told to come later.',
        1,
      ),
      aggregate_buckets: count(100_000, 'Buckets of one series in GET /api/v1/aggregate.', 1),
      page_rows: count(10_000, 'Largest `limit` of a page.', 1),
      page_bytes: count(
        67_108_864,
        'Payload bytes after which a page ends early and says that there is more.',
        1024,
      ),
      publish_batch: count(1000, 'Messages in one POST /api/v1/publish.', 1),
      exports: count(4, 'GET /api/v1/export at one time; more are told to come later.', 1),
      stream_readers: count(5000, 'Open GET /api/v1/stream; more are told to come later.', 1),
      stream_buffer_bytes: count(
        1_048_576,
        'Bytes waiting for one reader of a stream before it is told that it is too slow, and let go.',
        1024,
      ),
      stream_heartbeat_ms: count(15_000, 'Time between two signs of life of an idle stream.', 100),
      auth_concurrency: count(
        2,
        'Password hashes worked out at one time; more wait. Node has four threads, and commits need some.',
        1,
      ),
    }),
    log: Type.Object({
      level: choice(['debug', 'info', 'warn', 'error', 'silent'], 'info', 'What is logged.'),
      format: choice(
        ['auto', 'text', 'json'],
        'auto',
        '`text` for people, `json` for programs; `auto`: text on a terminal.',
      ),
    }),
  },
  { additionalProperties: false },
)

/** The whole configuration, every key present. Frozen by `loadConfig`. */
export type Config = Static<typeof configSchema>
