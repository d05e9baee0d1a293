// Each packet a client may send, checked byte by byte against its clause before the parser sees it.
// `null` means well formed; anything else is why the connection must end [MQTT-4.13.1].

import { filterFault } from '../../domain/topic.ts'
import { type Fault, flagsFault, malformed, protocolError } from './fault.ts'
import { connectFault } from './connect.ts'
import { checkBlob, checkProperties, type Holder } from './properties.ts'

/** A whole packet: `begin` is its first byte, `start` just behind the remaining length, `end` just behind the packet. */
export interface Frame {
  bytes: Buffer
  begin: number
  start: number
  end: number
  header: number
  /** User properties of a PUBLISH or a will, in the order sent; `null` when it has none. */
  pairs: [string, string][] | null
}

export interface PacketLimits {
  /** Topic filters one SUBSCRIBE or UNSUBSCRIBE may name. */
  filtersMax: number
}

/** What a PUBACK or PUBREC may say [MQTT-3.4.2.1, 3.5.2.1]. */
const receiptCodes: ReadonlySet<number> = new Set([0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
/** The same of PUBREL and PUBCOMP [MQTT-3.6.2.1, 3.7.2.1]. */
const releaseCodes: ReadonlySet<number> = new Set([0, 0x92])
/** The same of DISCONNECT [MQTT-3.14.2.1]; those for servers alone are let through, as clients send them on. */
const disconnectCodes: ReadonlySet<number> = new Set([
  0, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97,
  0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
])

/** Why this packet breaks the protocol or a limit, or `null`. `version` is 0 before CONNECT. */
export function packetFault(frame: Frame, version: number, { filtersMax }: PacketLimits): Fault | null {
  const type = frame.header >> 4
  if (version === 0 && type !== 1) return protocolError('the first packet must be CONNECT [MQTT-3.1.0-1]')
  switch (type) {
    case 1:
      return version === 0 ? connectFault(frame) : protocolError('a second CONNECT [MQTT-3.1.0-2]')
    case 3:
      return publishFault(frame, version)
    case 6:
      // MQTT 3.1 sets DUP on a PUBREL it sends again; later versions have reserved the bit, and the parser knows only those.
      if (version === 3 && frame.header === 0x6a) {
        frame.bytes[frame.begin] = 0x62
        return ackFault({ ...frame, header: 0x62 }, version, 2)
      }
      return ackFault(frame, version, 2)
    case 4:
    case 5:
    case 7:
      return ackFault(frame, version, 0)
    case 8:
      return flagsFault(frame, 2) ?? filtersFault(frame, version, 'subscribe', filtersMax)
    case 10:
      return flagsFault(frame, 2) ?? filtersFault(frame, version, 'unsubscribe', filtersMax)
    case 12:
      return (
        flagsFault(frame, 0) ??
        (frame.end > frame.start ? malformed('PINGREQ has no body [MQTT-3.12]') : null)
      )
    case 14:
      return flagsFault(frame, 0) ?? disconnectFault(frame, version)
    case 15:
      return protocolError('AUTH without an authentication method [MQTT-4.12.0-6]')
    default:
      return malformed('a client must not send this packet [MQTT-2.1.2]')
  }
}

function publishFault(frame: Frame, version: number): Fault | null {
  const { bytes, start, end, header } = frame
  const qos = (header >> 1) & 3
  if (qos === 3) return malformed('QoS 3 [MQTT-3.3.1-4]')
  if (qos === 0 && header & 8) return malformed('DUP on a QoS 0 publish [MQTT-3.3.1-2]')
  const topic = checkBlob(bytes, start, end, true)
  if (topic.fault !== null) return topic.fault
  let at = topic.end
  if (qos > 0) {
    const id = idFault(bytes, at, end)
    if (id !== null) return id
    at += 2
  }
  return version === 5 ? checkProperties(bytes, at, end, 'publish', pairTaker(frame)).fault : null
}

/** Keeps user properties with the frame: the parser's object has no order for them [MQTT-3.3.2-18]. */
export function pairTaker(frame: Frame): (name: string, value: string) => void {
  return (name, value) => {
    frame.pairs ??= []
    frame.pairs.push([name, value])
  }
}

function ackFault(frame: Frame, version: number, flags: number): Fault | null {
  const { bytes, start, end } = frame
  const fault = flagsFault(frame, flags) ?? idFault(bytes, start, end)
  if (fault !== null) return fault
  if (version !== 5)
    return end - start === 2 ? null : malformed('an acknowledgement has two bytes [MQTT-3.4]')
  const known = flags === 2 || frame.header >> 4 === 7 ? releaseCodes : receiptCodes
  return reasonFault(bytes, start + 2, end, 'ack', known)
}

function disconnectFault({ bytes, start, end }: Frame, version: number): Fault | null {
  if (version === 5) return reasonFault(bytes, start, end, 'disconnect', disconnectCodes)
  return end === start ? null : malformed('DISCONNECT has no body [MQTT-3.14]')
}

/** A reason code and properties, each of which may be left out with what follows it, and nothing behind them. */
function reasonFault(
  bytes: Buffer,
  at: number,
  end: number,
  holder: Holder,
  known: ReadonlySet<number>,
): Fault | null {
  if (at >= end) return null
  const code = bytes[at] as number
  if (!known.has(code)) return protocolError(`reason code 0x${code.toString(16)} has no place in this packet`)
  if (at + 1 >= end) return null
  const properties = checkProperties(bytes, at + 1, end, holder)
  if (properties.fault !== null || properties.end === end) return properties.fault
  return malformed('bytes behind the properties')
}

function filtersFault(
  { bytes, start, end }: Frame,
  version: number,
  kind: 'subscribe' | 'unsubscribe',
  max: number,
): Fault | null {
  const id = idFault(bytes, start, end)
  if (id !== null) return id
  let at = start + 2
  if (version === 5) {
    const properties = checkProperties(bytes, at, end, kind)
    if (properties.fault !== null) return properties.fault
    at = properties.end
  }
  if (at >= end) return protocolError('no topic filter [MQTT-3.8.3-2]')
  for (let count = 0; at < end; count++) {
    if (count === max) return tooManyFilters(kind, max)
    const filter = checkBlob(bytes, at, end, true)
    if (filter.fault !== null) return filter.fault
    const text = bytes.toString('utf8', at + 2, filter.end)
    const fault = filterFault(text)
    if (fault !== null) return { reasonCode: 0x8f, message: fault }
    at = filter.end
    if (kind === 'unsubscribe') continue
    if (at >= end) return malformed('a subscription has no options [MQTT-3.8.3]')
    const options = optionsFault(bytes[at] as number, version, text)
    if (options !== null) return options
    at++
  }
  return null
}

function tooManyFilters(kind: string, max: number): Fault {
  const message = `${kind.toUpperCase()} names more than ${max} topic filters; send several packets`
  return { reasonCode: 0x97, message }
}

function optionsFault(options: number, version: number, filter: string): Fault | null {
  if ((options & 3) === 3) return malformed('QoS 3 in a subscription [MQTT-3.8.3-4]')
  if (options & (version === 5 ? 0xc0 : 0xfc))
    return malformed('reserved subscription options [MQTT-3.8.3-5]')
  if (((options >> 4) & 3) === 3) return protocolError('retain handling 3 [MQTT-3.8.3.1]')
  if (options & 4 && filter.startsWith('$share/')) {
    return protocolError('no local on a shared subscription [MQTT-3.8.3-4]')
  }
  return null
}

function idFault(bytes: Buffer, at: number, end: number): Fault | null {
  if (at + 2 > end) return malformed('the packet identifier is missing')
  return bytes.readUInt16BE(at) === 0 ? protocolError('packet identifier 0 [MQTT-2.2.1-3]') : null
}
