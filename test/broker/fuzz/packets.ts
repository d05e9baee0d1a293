// Packets for a fuzzer: whole ones of every kind, the same with one fault each, and noise. All chance comes from a seed, so
// that whatever falls can be thrown again.

import { generate, type Packet } from 'mqtt-packet'

export interface Random {
  /** 0 ≤ n < max. */
  below: (max: number) => number
  pick: <T>(items: readonly T[]) => T
  bytes: (length: number) => Buffer
}

/** xorshift32 [Marsaglia 2003]. */
export function createRandom(seed: number): Random {
  let state = seed | 0 || 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  const below = (max: number): number => next() % max
  return {
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  }
}

const names = [
  'constructor',
  '__proto__',
  'toString',
  'a',
  'a/b',
  'a//b',
  '/',
  'ü',
  '𝄞/x',
  'x'.repeat(300),
  '$SYS/x',
  '$x',
  '',
]
const filters = [
  ...names,
  '#',
  '+',
  'a/#',
  '+/b',
  '$share/g/a',
  '$share/g/#',
  '$share//a',
  '$share/g',
  'a/#/b',
  'a+',
  '$SYS/#',
]
const versions = [3, 4, 5] as const

/** A packet a client may send, of the kinds of MQTT 5 when `version` is 5. */
export function makePacket(random: Random, version: 3 | 4 | 5): Buffer {
  const { below, pick, bytes } = random
  const messageId = 1 + below(20)
  const qos = below(3) as 0 | 1 | 2
  const properties = version === 5 && below(2) === 0 ? makeProperties(random) : undefined
  const packets: (() => object)[] = [
    () => ({
      cmd: 'publish',
      topic: pick(names),
      payload: bytes(below(50)),
      qos,
      messageId,
      retain: below(3) === 0,
      dup: qos > 0 && below(4) === 0,
      properties,
    }),
    () => ({
      cmd: 'subscribe',
      messageId,
      subscriptions: Array.from({ length: 1 + below(3) }, () => ({
        topic: pick(filters),
        qos,
        nl: below(4) === 0,
        rap: below(2) === 0,
        rh: below(3),
      })),
    }),
    () => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [pick(filters)] }),
    () => ({
      cmd: pick(['puback', 'pubrec', 'pubcomp'] as const),
      messageId,
      reasonCode: pick([0, 0x10, 0x80, 0x97]),
    }),
    () => ({ cmd: 'pubrel', messageId }),
    () => ({ cmd: 'pingreq' }),
    () => ({
      cmd: 'disconnect',
      reasonCode: pick([0, 4]),
      properties: version === 5 ? { sessionExpiryInterval: below(3) } : undefined,
    }),
    () => makeConnect(random, version),
  ]
  // Goodbyes and second CONNECTs end a connection early, so they are rare.
  const kind = below(40) === 0 ? 6 + below(2) : below(6)
  try {
    return generate((packets[kind] as () => object)() as Packet, { protocolVersion: version })
  } catch {
    return Buffer.from([0xc0, 0])
  }
}

export function makeConnect({ below, pick, bytes }: Random, version: 3 | 4 | 5): object {
  const clientId = pick(['f0', 'f1', 'f2', 'f3', 'constructor', '__proto__', 'ü'])
  const will =
    below(3) === 0
      ? { topic: pick(['w', 'a/b', '$SYS/x']), payload: bytes(5), qos: below(3), retain: below(2) === 0 }
      : undefined
  const properties =
    version === 5
      ? {
          sessionExpiryInterval: pick([0, 1, 100]),
          receiveMaximum: 1 + below(5),
          maximumPacketSize: 20 + below(400),
          topicAliasMaximum: below(3),
        }
      : undefined
  return {
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clean: below(2) === 0,
    clientId,
    keepalive: below(3) * 10,
    will,
    properties,
  }
}

function makeProperties({ below, pick, bytes }: Random): object {
  return pick<object>([
    { messageExpiryInterval: below(3) },
    { topicAlias: below(12) },
    { userProperties: { a: ['1', '2'], [pick(names)]: 'x' } },
    { correlationData: bytes(below(20)), responseTopic: pick(filters) },
    { contentType: 'text', payloadFormatIndicator: true },
  ])
}

/** One fault: a bit, a byte, a length, a piece missing, a piece too many, or all of it noise. */
export function spoil({ below, bytes }: Random, packet: Buffer): Buffer {
  const copy = Buffer.from(packet)
  const at = below(copy.length)
  switch (below(7)) {
    case 0:
      copy[at] = (copy[at] as number) ^ (1 << below(8))
      return copy
    case 1:
      copy[at] = below(256)
      return copy
    case 2:
      return copy.subarray(0, at)
    case 3:
      return Buffer.concat([copy.subarray(0, at), bytes(1 + below(4)), copy.subarray(at)])
    case 4:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(Math.min(copy.length, at + 1 + below(3)))])
    case 5:
      if (copy.length > 1) copy[1] = below(256)
      return copy
    default:
      return bytes(1 + below(40))
  }
}

export const pickVersion = ({ pick }: Random): 3 | 4 | 5 => pick(versions)
