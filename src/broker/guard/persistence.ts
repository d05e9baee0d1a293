// What Aedes may ask of sessions. It would restore subscriptions into its emitter, send queues by itself, and keep wills
// without their user; all of that is done in sessions/ and connection/, so these questions find nothing.

import { Readable } from 'node:stream'
import type { Persistence } from '../client.ts'
import { now } from '../sessions/persistence.ts'

export function guardPersistence<P extends Persistence>(persistence: P): P {
  const quiet: Omit<Persistence, 'setup' | 'countSessions'> = {
    subscriptionsByClient: () => now([]),
    cleanSubscriptions: () => now(undefined),
    outgoingStream: () => Readable.from([]),
    putWill: () => now(undefined),
    delWill: () => now(undefined),
    streamWill: () => Readable.from([]),
  }
  return Object.assign(persistence, quiet)
}
