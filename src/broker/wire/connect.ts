// CONNECT, byte by byte [MQTT-3.1]: name and level of the protocol, flags that belong together, and every field to the last.

import { topicFault } from '../../domain/topic.ts'
import { type Fault, flagsFault, malformed } from './fault.ts'
import { type Frame, pairTaker } from './packets.ts'
import { checkBlob, checkProperties } from './properties.ts'

/** The protocol level a CONNECT asks for (3, 4 or 5, a bridge's mark removed), or 0 when there is none such. */
export function protocolVersion({ bytes, start, end }: Frame): number {
  const name = checkBlob(bytes, start, end, true)
  if (name.fault !== null || name.end >= end) return 0
  const level = (bytes[name.end] as number) & 0x7f
  const text = bytes.toString('latin1', start + 2, name.end)
  if (text === 'MQIsdp') return level === 3 ? 3 : 0
  return text === 'MQTT' && (level === 4 || level === 5) ? level : 0
}

/** Why a CONNECT breaks the protocol, or `null`. */
export function connectFault(frame: Frame): Fault | null {
  const { bytes, start, end } = frame
  const version = protocolVersion(frame)
  const reserved = version === 3 ? null : flagsFault(frame, 0)
  if (reserved !== null) return reserved
  const name = checkBlob(bytes, start, end, true)
  if (name.fault !== null) return name.fault
  if (name.end + 4 > end) return malformed('CONNECT is cut short')
  if (version === 0) return unknownProtocol(bytes.toString('latin1', start + 2, name.end))
  // MQTT 3.1 gives these bits no meaning and no value; later versions have reserved them, and the parser knows only those.
  if (version === 3) {
    bytes[frame.begin] = 0x10
    bytes[name.end + 1] = (bytes[name.end + 1] as number) & 0xfe
  }
  const flags = bytes[name.end + 1] as number
  return flagFault(flags, version) ?? fieldsFault(frame, name.end + 4, version, flags)
}

/** Another level of a known protocol is answered, another protocol is not [MQTT-3.1.2-1, 3.1.2-2]. */
function unknownProtocol(name: string): Fault {
  if (name === 'MQTT' || name === 'MQIsdp')
    return { reasonCode: 0x84, message: 'this protocol level is not spoken' }
  return malformed('the protocol is not MQTT [MQTT-3.1.2-1]')
}

function flagFault(flags: number, version: number): Fault | null {
  if (flags & 1) return malformed('the reserved CONNECT flag is set [MQTT-3.1.2-3]')
  if ((flags & 0x18) === 0x18) return malformed('the will QoS is 3 [MQTT-3.1.2-12]')
  if (!(flags & 4) && flags & 0x38) return malformed('will QoS or retain without a will [MQTT-3.1.2-11]')
  if (version < 5 && flags & 0x40 && !(flags & 0x80)) {
    return malformed('a password without a user name [MQTT-3.1.2-22]')
  }
  return null
}

function fieldsFault(frame: Frame, from: number, version: number, flags: number): Fault | null {
  const { bytes, end } = frame
  let at = from
  const field = (checked: { fault: Fault | null; end: number }): Fault | null => {
    at = checked.end
    return checked.fault
  }
  let fault: Fault | null = null
  if (version === 5) fault = field(checkProperties(bytes, at, end, 'connect'))
  fault ??= field(checkBlob(bytes, at, end, true))
  if (fault === null && flags & 4) {
    if (version === 5) fault = field(checkProperties(bytes, at, end, 'will', pairTaker(frame)))
    const topic = at + 2
    fault ??= field(checkBlob(bytes, at, end, true))
    const wrong = fault === null ? topicFault(bytes.toString('utf8', topic, at)) : null
    if (wrong !== null) return { reasonCode: 0x90, message: `the will's topic: ${wrong}` }
    fault ??= field(checkBlob(bytes, at, end, false))
  }
  if (fault === null && flags & 0x80) fault = field(checkBlob(bytes, at, end, true))
  if (fault === null && flags & 0x40) fault = field(checkBlob(bytes, at, end, false))
  if (fault !== null) return fault
  return at === end ? null : malformed('CONNECT has bytes behind its last field [MQTT-3.1.3-1]')
}
