// Messages of several samples: lists whose members each have a time of their own (what a logger kept while it was offline), or
// objects with a time beside each value. Each moment becomes a record. Taken apart only where every such time is one and they differ.

import type { Fields, FieldValue } from '../../domain/reading.ts'
import { timeLimits, trustedTime } from '../clean/times.ts'
import type { Decoded, DecodedRecord } from '../decode/decoded.ts'
import { maySayWhen, sameMs, timeNames } from './nestedTime.ts'
import { type ListLook, listSamples } from './sampleLists.ts'
import type { ReadIn } from './timeStep.ts'
import { isUtcName } from './timeWords.ts'

/** The message with a record for each sample; `null` where it does not hold several, with times of their own. */
export interface Samples {
  (decoded: Decoded, receivedAt: number): Decoded | null
  /** Whether a field of this name can have to do with samples; a message of none such holds none. */
  looksAt: (name: string) => boolean
}

/** Members that are no samples of what was: plans, and what belongs to something else. */
const others =
  /plan|sched|forecast|next|firmware|build|conf|setting|event|alarm|alert|log(?!ger)|daily|hourly|sun|moon|expir|gateway|rx_?info|rx_?metadata|meta_?data|session|cert|last|prev|old|creat|updat|chang/i
/** What tells members of a list apart that are not the same thing at another time. */
const identities =
  /^(?:\w*(?:id|name|serial|number|sn|key|mac|eui|address|addr)|n|tag|field|variable|sensor|channel|metric|type|measurementType|measurement|register|param|parameter|signal|unit|path|symbol|label|location|phase|kind|quantity)$/i

interface Group {
  /** With the dot behind it. */
  prefix: string
  time: number
  /** What stands before the number of a list, and the number; `null`: no member of a list. */
  list: string | null
}

/** Paths that are remembered; devices mostly send the same again. */
const pathsMax = 10_000

/**
 * What a field can be by its path: `time`; `maybe` and `short`, of a member of a list, by names that may mean something else (`at`,
 * `t`); `list`, of a list or below what may be a time.
 */
type PathKind = 'time' | 'maybe' | 'short' | 'list' | 'none'

function classify(path: string, isTime: (name: string) => boolean, byNames: boolean): PathKind {
  const end = path.lastIndexOf('.')
  const [above, last] = [path.slice(0, Math.max(end, 0)), path.slice(end + 1)]
  if (end !== -1 && isTime(last) && !(byNames && others.test(above))) return 'time'
  if (!byNames) return 'none'
  const isMember = /(?:^|\.)\d+$/.test(above) && !others.test(above)
  if (isMember && maySayWhen(last)) return 'maybe'
  if (isMember && last === 't') return 'short'
  return /(?:^|\.)\d+(?:$|\.)|\dT\d\d:/.test(path) ? 'list' : 'none'
}

/** `name`: the member that holds the time of each; `true`: any that is named like one. */
export function compileSamples(name: string | true, read: ReadIn): Samples {
  const isTime = name === true ? (last: string) => timeNames.has(last) : (last: string) => last === name
  const known = new Map<string, PathKind>()
  const kindOf = (path: string): PathKind => {
    let found = known.get(path)
    if (found === undefined) {
      if (known.size >= pathsMax) known.clear()
      found = classify(path, isTime, name === true)
      known.set(path, found)
    }
    return found
  }
  const timeOf: TimeOf = (fields, value, receivedAt, path) =>
    value === undefined
      ? null
      : trustedTime(read(fields, value, receivedAt, isUtcName(path)), receivedAt, timeLimits)
  const looksAt = (path: string): boolean => kindOf(path) !== 'none'
  const find = (decoded: Decoded, receivedAt: number): Decoded | null => {
    const { records } = decoded
    const [only] = records
    if (!only || records.some(({ time }) => time !== null)) return null
    const hasTop = (one: Fields): number | null => topTime(one, isTime, timeOf, receivedAt)
    if (records.length > 1) return eachWithTime(decoded, hasTop)
    const { fields } = only
    const at: TimeAt = (path) => timeOf(fields, fields[path], receivedAt, path)
    const strict = groupsOf(fields, (path) => kindOf(path) === 'time', at)
    if (!strict) return null
    const mayBe = (path: string): boolean =>
      kindOf(path) === 'maybe' || (kindOf(path) === 'short' && isShortPair(path, fields))
    const groups = strict.length === 0 ? (groupsOf(fields, mayBe, at) ?? []) : strict
    if (groups.length === 0) return name === true ? listed(decoded, fields, read, receivedAt) : null
    if (areOfOneMoment(groups)) return null
    if (hasTop(fields) !== null && (groups !== strict || groups.some(({ list }) => list === null)))
      return null
    return apart(decoded, fields, groups)
  }
  const samples = (decoded: Decoded, receivedAt: number): Decoded | null => {
    const { records } = decoded
    return records.length > 1 || mayHold(records[0], looksAt) ? find(decoded, receivedAt) : null
  }
  return Object.assign(samples, { looksAt })
}

/** Most messages hold none, and show it by their names. */
function mayHold(record: DecodedRecord | undefined, looksAt: (path: string) => boolean): boolean {
  for (const path in record?.fields) if (looksAt(path)) return true
  return false
}

/** The time a path holds. */
type TimeAt = (path: string) => number | null

/** `null` where a time that should be one is none, or one member has two. */
function groupsOf(fields: Fields, saysWhen: (path: string) => boolean, timeAt: TimeAt): Group[] | null {
  const groups: Group[] = []
  for (const path in fields) {
    if (!saysWhen(path)) continue
    const time = timeAt(path)
    if (time === null) return null
    const prefix = path.slice(0, path.lastIndexOf('.') + 1)
    const before = groups.find((group) => group.prefix === prefix)
    if (before && before.time !== time) return null
    if (!before) groups.push({ prefix, time, list: /^(.*\.)?\d+\.$/.test(prefix) ? listOf(prefix) : null })
  }
  return groups
}

function listed(decoded: Decoded, fields: Fields, read: ReadIn, receivedAt: number): Decoded | null {
  const look: ListLook = {
    isOther: (path) => others.test(path),
    isTimeName: (name) => timeNames.has(name) || maySayWhen(name),
    isIdentity: (name) => identities.test(name) || identities.test(name.replace(/s$/, '')),
    // What no name says must be a time by its form.
    timeOf: (value, maxAgeMs) => {
      const text = String(value)
      if (!/^\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d{1,9})?$|^\d{4}-\d\d-\d\d[T ]\d\d:/.test(text)) return null
      return trustedTime(read(fields, text, receivedAt), receivedAt, { ...timeLimits, maxAgeMs })
    },
  }
  const records = listSamples(fields, look)
  return records && { ...decoded, records }
}

type TimeOf = (
  fields: Fields,
  value: FieldValue | undefined,
  receivedAt: number,
  path: string,
) => number | null

/** `{"t":1795521590,"v":21.5}`, where `t` may be a temperature, too. */
function isShortPair(path: string, fields: Fields): boolean {
  const value = fields[path]
  return typeof value === 'number' && value > 1e9 && fields[`${path.slice(0, -1)}v`] !== undefined
}

/** Samples of a list may follow one another quickly; what an envelope and its content say of one moment does not. */
function areOfOneMoment(groups: readonly Group[]): boolean {
  const times = groups.map(({ time }) => time)
  if (new Set(times).size < 2) return true
  return groups.every(({ list }) => list === null) && Math.max(...times) - Math.min(...times) < sameMs
}

/** Lines that each say when. */
function eachWithTime(decoded: Decoded, timeOf: (fields: Fields) => number | null): Decoded | null {
  const times = decoded.records.map(({ fields }) => timeOf(fields))
  if (times.includes(null) || new Set(times).size < 2) return null
  return {
    ...decoded,
    records: decoded.records.map((record, index) => ({ ...record, time: times[index] as number })),
  }
}

function topTime(
  fields: Fields,
  isTime: (name: string) => boolean,
  timeOf: TimeOf,
  receivedAt: number,
): number | null {
  for (const name in fields) {
    const time = isTime(name) ? timeOf(fields, fields[name], receivedAt, name) : null
    if (time !== null) return time
  }
  return null
}

const listOf = (prefix: string): string => prefix.replace(/\d+\.$/, '')

/** A record for each group, and one for what stands beside all of them. */
function apart(decoded: Decoded, fields: Fields, groups: readonly Group[]): Decoded | null {
  const byPrefix = new Map(groups.map((group) => [group.prefix, group]))
  const members = new Map<Group, Fields>(groups.map((group) => [group, bare()]))
  const rest = bare()
  for (const path in fields) {
    const owners = prefixesOf(path).filter((prefix) => byPrefix.has(prefix))
    // A sample within a sample: whose time it is nobody can tell.
    if (owners.length > 1) return null
    const owner = byPrefix.get(owners[0] ?? '')
    const into = (owner && members.get(owner)) ?? rest
    into[path] = fields[path] as FieldValue
  }
  const named = namedLists(groups, fields)
  const records: DecodedRecord[] = []
  const together = new Map<number, Fields>()
  for (const [{ prefix, time, list }, own] of members) {
    if (list !== null && !named.has(list)) {
      const renamed = bare()
      for (const path in own) renamed[list + path.slice(prefix.length)] = own[path] as FieldValue
      records.push({ time, fields: renamed })
      continue
    }
    const before = together.get(time)
    if (before) Object.assign(before, own)
    else {
      together.set(time, own)
      records.push({ time, fields: own })
    }
  }
  for (const _ in rest) {
    records.push({ time: null, fields: rest })
    break
  }
  return { ...decoded, records }
}

/** `a.0.b` has `a.` and `a.0.` in front. */
function prefixesOf(path: string): string[] {
  const found: string[] = []
  for (let at = path.indexOf('.'); at !== -1; at = path.indexOf('.', at + 1))
    found.push(path.slice(0, at + 1))
  return found
}

/** Lists of different things: their numbers stay in the names, or values of several things would become one series. */
function namedLists(groups: readonly Group[], fields: Fields): Set<string> {
  const first = new Map<string, FieldValue>()
  const named = new Set<string>()
  const lists = new Map(
    groups.flatMap(({ prefix, list }) => (list === null ? [] : [[prefix, list] as const])),
  )
  for (const path in fields) {
    const end = path.lastIndexOf('.') + 1
    const list = lists.get(path.slice(0, end))
    const name = path.slice(end)
    if (list === undefined || !identities.test(name)) continue
    const value = fields[path] as FieldValue
    const before = first.get(list + name)
    if (before === undefined) first.set(list + name, value)
    else if (before !== value) named.add(list)
  }
  return named
}

const bare = (): Fields => Object.create(null) as Fields
