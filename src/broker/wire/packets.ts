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

/** Why this packet breaks the protocol, or `null`. `version` is 0 before CONNECT. */
export function packetFault(frame: Frame, version: number): Fault | null {
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
      return flagsFault(frame, 2) ?? filtersFault(frame, version, 'subscribe')
    case 10:
      return flagsFault(frame, 2) ?? filtersFault(frame, version, 'unsubscribe')
    case 12:
      return (
        flagsFault(frame, 0) ??
        (frame.end > frame.start ? malformed('PINGREQ has no body [MQTT-3.12]') : null)
      )
    case 14:
      return flagsFault(frame, 0) ?? reasonFault(frame, version, 'disconnect')
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
  if (end - start < 4) return null
  return checkProperties(bytes, start + 3, end, 'ack').fault
}

function reasonFault({ bytes, start, end }: Frame, version: number, holder: Holder): Fault | null {
  if (version !== 5) return end === start ? null : malformed('DISCONNECT has no body [MQTT-3.14]')
  return end - start < 2 ? null : checkProperties(bytes, start + 1, end, holder).fault
}

function filtersFault(
  { bytes, start, end }: Frame,
  version: number,
  kind: 'subscribe' | 'unsubscribe',
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
  while (at < end) {
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
