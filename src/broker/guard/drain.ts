// Aedes finishes a publish only when every subscriber's socket has drained, so one that stops reading holds up
// everybody who publishes to it. Here nobody waits: what a socket holds is bounded in `authorizeForward`.

import type { BrokerClient } from '../client.ts'

export function guardDrain(client: BrokerClient): void {
  client.waitForDrain = (done) => {
    setImmediate(done, null, client)
  }
}
