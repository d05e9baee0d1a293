// Client ids for clients that send none: a prefix and a random part [MQTT-3.1.3-6].

import { randomUUID } from 'node:crypto'
import type { BrokerClient } from './client.ts'

interface ConnectPacket {
  clientId: string
  clean?: boolean
  protocolVersion?: number
}

type Done = (error: Error | null, isLetOn: boolean) => void

/** Aedes' hook `preConnect`. What may not come without an id is left to Aedes to refuse [MQTT-3.1.3-8]. */
export function createAssignment({ prefix }: { prefix: string }) {
  return (client: BrokerClient, packet: ConnectPacket, done: Done): void => {
    if (packet.clientId === '' && (packet.clean === true || packet.protocolVersion === 5)) {
      packet.clientId = (client.amber.autoIdPrefix ?? prefix) + randomUUID()
      client.amber.isIdAssigned = true
    }
    done(null, true)
  }
}
