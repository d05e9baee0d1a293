// Topic names, topic filters and matching, by chapter 4.7 of MQTT 5.0 (the same in 3.1.1).
// Names are checked here before they become keys: no U+0000, no ill-formed UTF-16, no wildcards.

import { AppError } from './errors.ts'

/** UTF-8 bytes a topic may have [MQTT-4.7.3-3]. */
export const topicBytesMax = 65_535

/** Why `topic` is no topic name, or `null`. */
export function topicFault(topic: string): string | null {
  if (topic.length === 0) return 'a topic has at least one character [MQTT-4.7.3-1]'
  if (topic.includes('\0')) return 'a topic must not contain U+0000 [MQTT-4.7.3-2]'
  if (topic.includes('+') || topic.includes('#')) {
    return 'a topic that is published to must not contain the wildcards + and # [MQTT-3.3.2-2]'
  }
  return textFault(topic)
}

/** Why nobody but the server publishes to `topic`, or `null`: what it says of itself, and the mark of shared subscriptions. */
export function reservedTopicFault(topic: string): string | null {
  if (topic.charCodeAt(0) !== dollar) return null
  if (topic === '$SYS' || topic.startsWith('$SYS/')) return '$SYS is written by the server alone [MQTT-4.7.2]'
  if (topic === '$share' || topic.startsWith('$share/')) {
    return '$share marks shared subscriptions and is not published to [MQTT-4.8.2]'
  }
  return null
}

/** Why `filter` is no topic filter, or `null`. */
export function filterFault(filter: string): string | null {
  if (filter.length === 0) return 'a topic filter has at least one character [MQTT-4.7.3-1]'
  if (filter.includes('\0')) return 'a topic filter must not contain U+0000 [MQTT-4.7.3-2]'
  const levels = filter.split('/')
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index !== levels.length - 1)) {
      return '# must stand alone in the last level [MQTT-4.7.1-1]'
    }
    if (level.includes('+') && level !== '+') return '+ must stand alone in its level [MQTT-4.7.1-2]'
  }
  return textFault(filter)
}

/** Throws `bad_topic` unless `topic` is a topic name. */
export function checkTopic(topic: string): void {
  const fault = topicFault(topic)
  if (fault !== null) throw new AppError('bad_topic', `"${printable(topic)}" is not a topic: ${fault}`)
}

/** Throws `bad_filter` unless `filter` is a topic filter. */
export function checkFilter(filter: string): void {
  const fault = filterFault(filter)
  if (fault !== null)
    throw new AppError('bad_filter', `"${printable(filter)}" is not a topic filter: ${fault}`)
}

/** Whether `filter` matches `topic` [MQTT-4.7.1, 4.7.2]: `a/#` matches `a`; wildcards first never match `$…`. */
export function matches(filter: string, topic: string): boolean {
  if (topic.charCodeAt(0) === dollar && (filter.charCodeAt(0) === plus || filter.charCodeAt(0) === hash)) {
    return false
  }
  let f = 0
  let t = 0
  for (;;) {
    const fEnd = levelEnd(filter, f)
    if (fEnd - f === 1 && filter.charCodeAt(f) === hash) return true
    const tEnd = levelEnd(topic, t)
    const wild = fEnd - f === 1 && filter.charCodeAt(f) === plus
    if (!wild && (fEnd - f !== tEnd - t || !topic.startsWith(filter.slice(f, fEnd), t))) return false
    const fLast = fEnd === filter.length
    if (tEnd === topic.length) return fLast || (fEnd + 2 === filter.length && filter.endsWith('/#'))
    if (fLast) return false
    f = fEnd + 1
    t = tEnd + 1
  }
}

/** Whether `filter` holds a wildcard; without one it names exactly one topic. */
export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#')
}

/** Text made safe for one line of a terminal, a log or an error: control characters as escapes, cut at 200. */
export function printable(text: string): string {
  const cut = text.length > 200 ? `${text.slice(0, 200)}…` : text
  return cut.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const dollar = 36
const hash = 35
const plus = 43

function levelEnd(text: string, from: number): number {
  const end = text.indexOf('/', from)
  return end === -1 ? text.length : end
}

function textFault(text: string): string | null {
  if (!text.isWellFormed()) return 'it is not well-formed Unicode [MQTT-1.5.4-1]'
  if (Buffer.byteLength(text) > topicBytesMax)
    return `it is longer than ${topicBytesMax} bytes [MQTT-4.7.3-3]`
  return null
}
