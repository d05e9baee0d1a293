// When a delivery is withheld Aedes clears the queued packet of message id `undefined`: the oldest one that was not sent,
// which is a different message. Without an id there is nothing to clear.

import type { Persistence, Thenable } from '../client.ts'

const nothing: Thenable<undefined> = { then: (resolved) => resolved?.(undefined) }

export function guardOutgoing(persistence: Persistence): void {
  const clear = persistence.outgoingClearMessageId.bind(persistence)
  persistence.outgoingClearMessageId = (client, packet) =>
    (packet.messageId as number | undefined) === undefined ? nothing : clear(client, packet)
}
