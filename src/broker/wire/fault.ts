// A breach of the protocol: what was wrong, by clause, and the MQTT 5 reason code that says so.

export interface Fault {
  reasonCode: number
  message: string
}

export const malformed = (message: string): Fault => ({ reasonCode: 0x81, message })
export const protocolError = (message: string): Fault => ({ reasonCode: 0x82, message })

/** The four lower bits of a packet's first byte. */
export function flagsFault({ header }: { header: number }, flags: number): Fault | null {
  return (header & 15) === flags ? null : malformed('reserved flags of the fixed header [MQTT-2.1.3-1]')
}
