// The ACL file of Mosquitto: `user NAME`, `topic [read|write|readwrite|deny] FILTER`, `pattern … %u %c`.
// A user's own lines are asked first and then the patterns, each with their denials first; what nothing allows is denied.

import { AppError } from '../domain/errors.ts'
import { filterFault, printable } from '../domain/topic.ts'
import { type AclRule, canRead, canWrite, compileRules, type TopicAccess } from './aclRules.ts'

export interface Acl {
  /** Lines before the first `user`: for anonymous clients only. */
  anonymous: AclRule[]
  users: Map<string, AclRule[]>
  patterns: AclRule[]
}

/** Decides for one user. */
export interface AclView {
  mayRead(topic: string, clientId?: string): boolean
  mayWrite(topic: string, clientId?: string): boolean
}

/** Clients of one user whose compiled patterns are kept; with more, the oldest are compiled again. */
const clientsMax = 1000

const access: Record<string, number> = {
  read: canRead,
  write: canWrite,
  readwrite: canRead | canWrite,
  deny: 0,
}

/** Reads an ACL file. Throws `bad_acl_file` with the line. */
export function parseAclFile(text: string, path: string): Acl {
  const acl: Acl = { anonymous: [], users: new Map(), patterns: [] }
  let rules = acl.anonymous
  for (const [index, raw] of text.split('\n').entries()) {
    const line = (index === 0 ? raw.replace(/^\uFEFF/, '') : raw).trim()
    if (line === '' || line.startsWith('#')) continue
    const [, keyword = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? []
    const fail = (message: string): never => {
      throw new AppError('bad_acl_file', `${path}:${index + 1}: ${message}`, {
        problems: [{ path: `${path}:${index + 1}`, message }],
      })
    }
    if (keyword === 'user') {
      if (rest === '') fail('a user line needs a name: user NAME')
      rules = acl.users.get(rest) ?? []
      acl.users.set(rest, rules)
    } else if (keyword === 'topic') {
      rules.push(parseRule(rest, index + 1, fail))
    } else if (keyword === 'pattern') {
      acl.patterns.push(parseRule(rest, index + 1, fail))
    } else {
      fail(`"${printable(keyword)}" is not known; a line begins with user, topic, pattern or #`)
    }
  }
  return acl
}

/** What `name` may; `null` is an anonymous client. Compiled once, so that a topic costs about a lookup. */
export function viewAcl(acl: Acl, name: string | null): AclView {
  const own = compileRules(name === null ? acl.anonymous : (acl.users.get(name) ?? []))
  const ofClient = new Map<string, TopicAccess>()
  // A name that could act as a filter or as several levels would reach into others' places.
  const nameIsDangerous = name !== null && /[+#/]/.test(name)

  const patternsFor = (clientId: string): TopicAccess => {
    let compiled = ofClient.get(clientId)
    if (compiled === undefined) {
      compiled = compileRules(expandPatterns(acl.patterns, name, clientId))
      const [oldest] = ofClient.size >= clientsMax ? ofClient.keys() : []
      if (oldest !== undefined) ofClient.delete(oldest)
      ofClient.set(clientId, compiled)
    }
    return compiled
  }

  const may = (topic: string, clientId: string, wanted: number): boolean => {
    const decided = own(topic, wanted)
    if (decided !== null) return decided
    if (acl.patterns.length === 0 || nameIsDangerous || /[+#/]/.test(clientId)) return false
    return patternsFor(clientId)(topic, wanted) ?? false
  }
  return {
    mayRead: (topic, clientId = '') => may(topic, clientId, canRead),
    mayWrite: (topic, clientId = '') => may(topic, clientId, canWrite),
  }
}

function parseRule(rest: string, line: number, fail: (message: string) => never): AclRule {
  if (rest === '') fail('there is no topic; write: topic read|write|readwrite|deny FILTER')
  const [, first = '', filterText] = /^(\S+)(?:\s+(.+))?$/.exec(rest) ?? []
  const filter = filterText ?? first
  const bits = filterText === undefined ? access['readwrite'] : access[first]
  if (bits === undefined) {
    return fail(`"${printable(first)}" is no access; write read, write, readwrite or deny before the topic`)
  }
  const fault = filterFault(filter)
  if (fault !== null) fail(`"${printable(filter)}" is not a topic filter: ${fault}`)
  return { filter, access: bits, line }
}

/** `%u` and `%c` filled in. Without a name (or an id: over HTTP) a pattern that asks for it is for nobody. */
export function expandPatterns(
  patterns: readonly AclRule[],
  name: string | null,
  clientId: string,
): AclRule[] {
  const rules: AclRule[] = []
  for (const { filter, access: bits, line } of patterns) {
    if (filter.includes('%u') && name === null) continue
    if (filter.includes('%c') && clientId === '') continue
    const filled = filter.replaceAll(/%[uc]/g, (mark) => (mark === '%u' ? (name ?? '') : clientId))
    // A name such as $SYS must not turn a plain pattern into one for $ topics.
    if (filled.startsWith('$') && !filter.startsWith('$')) continue
    rules.push({ filter: filled, access: bits, line })
  }
  return rules
}
