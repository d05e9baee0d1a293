// Which line of the ACL file decides about a topic: the answer of the compiled rules, worked out slowly and with its reason.

import { matches } from '../domain/topic.ts'
import { type Acl, expandPatterns } from './acl.ts'
import { type AclRule, canRead, canWrite } from './aclRules.ts'

export interface Verdict {
  isAllowed: boolean
  /** Of the ACL file, counted from 1; `null` when no line decided. */
  line: number | null
  reason: string
}

export interface Verdicts {
  read: Verdict
  write: Verdict
}

/** `acl` null: there is no ACL file. `name` null: an anonymous client. */
export function explainAccess(
  acl: Acl | null,
  { name, topic, clientId }: { name: string | null; topic: string; clientId: string },
): Verdicts {
  if (acl === null) {
    const verdict = { isAllowed: true, line: null, reason: 'there is no ACL file, so everything is allowed' }
    return { read: verdict, write: verdict }
  }
  const own = name === null ? acl.anonymous : (acl.users.get(name) ?? [])
  const isDangerous = (name !== null && /[+#/]/.test(name)) || /[+#/]/.test(clientId)
  const patterns = isDangerous ? [] : expandPatterns(acl.patterns, name, clientId)
  const verdictOn = (wanted: number): Verdict =>
    decide(own, topic, wanted) ??
    decide(patterns, topic, wanted) ?? {
      isAllowed: false,
      line: null,
      reason:
        isDangerous && acl.patterns.length > 0
          ? 'no line allows it; patterns give nothing to a name or client id that holds +, # or /'
          : 'no line allows it',
    }
  return { read: verdictOn(canRead), write: verdictOn(canWrite) }
}

/** Denials first, whatever their place in the list. */
function decide(rules: readonly AclRule[], topic: string, wanted: number): Verdict | null {
  const fitting = rules.filter(({ filter }) => matches(filter, topic))
  const denial = fitting.find(({ access }) => access === 0)
  if (denial) return { isAllowed: false, line: denial.line, reason: 'this line denies it' }
  const grant = fitting.find(({ access }) => (access & wanted) !== 0)
  return grant ? { isAllowed: true, line: grant.line, reason: 'this line allows it' } : null
}
