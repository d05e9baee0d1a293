// The mount point of a listener: a prefix that its clients do not see. It is put in front of their topics where a packet comes
// in and taken off where one goes out, so that everything between, readings included, knows whole topics only.

import { AppError } from '../domain/errors.ts'
import { topicFault } from '../domain/topic.ts'
import type { Message } from './message.ts'
import { sharedFilter } from './sessions/subscriptions.ts'

/** Throws `bad_config` for a prefix that no topic could begin with, or that means something else to the server. */
export function checkMountPoint(mountPoint: string, place: string): void {
  if (mountPoint === '') return
  const fault = topicFault(mountPoint)
  if (fault !== null) throw new AppError('bad_config', `${place}: mount_point: ${fault}`)
  if (/^\$(SYS|share)(\/|$)/.test(mountPoint)) {
    throw new AppError('bad_config', `${place}: mount_point: no client may publish below ${mountPoint}`)
  }
}

/** The whole filter of one as a client sent it, within `$share/group/` for a shared subscription [MQTT-4.8.2]. */
export function mountFilter(mountPoint: string, filter: string): string {
  if (mountPoint === '') return filter
  const share = sharedFilter(filter)
  if (share === null) return mountPoint + filter
  if (share.filter === '') return filter
  return `${filter.slice(0, filter.length - share.filter.length)}${mountPoint}${share.filter}`
}

/** Whether clients of the mount point see the topic: one that is the mount point itself has no name there. */
export function isMounted(mountPoint: string, topic: string): boolean {
  return mountPoint === '' || (topic.length > mountPoint.length && topic.startsWith(mountPoint))
}

/** The message as clients of the mount point see it; `isMounted` holds for its topic. */
export function unmounted(mountPoint: string, message: Message): Message {
  return { ...message, topic: message.topic.slice(mountPoint.length) }
}
