// Retained messages live by the rights of who published them, as with Mosquitto's `check_retain_source`: what the ACL would
// not let its publisher write now is not handed to a new subscription. It is kept, and comes again when the right does.

import type { Authenticator } from '../auth/principal.ts'
import type { ListenerConfig } from '../config/listener.ts'
import type { Message } from './message.ts'

/** Whether a retained message may be sent to somebody who subscribes now. */
export type MayStay = (message: Message) => boolean

/** Port or path, by which a listener is known over a restart. */
export function listenerKey({ path, port }: Pick<ListenerConfig, 'path' | 'port'>): string {
  return path === '' ? String(port) : path
}

export function createRetainCheck(
  { check_retain_source: isOn }: { check_retain_source: boolean },
  listeners: readonly ListenerConfig[],
  authOf: (listener: ListenerConfig) => Authenticator,
): MayStay {
  if (!isOn) return () => true
  const byListener = new Map(listeners.map((listener) => [listenerKey(listener), authOf(listener)]))
  const all = [...new Set(byListener.values())]
  return ({ topic, clientId, publisher }) => {
    if (publisher === undefined) return true
    const { user, listener } = publisher
    const own = listener === null ? undefined : byListener.get(listener)
    // After a crash the log says who it was, and not over which listener: one that allows it is enough.
    if (own !== undefined) return own.mayPublish(user, topic, clientId)
    return all.some((auth) => auth.mayPublish(user, topic, clientId))
  }
}
