import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAclFile, viewAcl } from '../../src/auth/acl.ts'
import { type AclRule, canRead, canWrite, compileRules } from '../../src/auth/aclRules.ts'
import { matches } from '../../src/domain/topic.ts'
import { aclCases, aclText, stricterCases } from './aclCases.ts'

describe('decisions', () => {
  test.each([...aclCases, ...stricterCases])(
    '$user as $clientId and $topic: read $read, write $write',
    ({ user, clientId, topic, read, write }) => {
      const view = viewAcl(parseAclFile(aclText, 'acl'), user)
      expect(view.mayRead(topic, clientId)).toBe(read)
      expect(view.mayWrite(topic, clientId)).toBe(write)
    },
  )

  test('over HTTP, without a client id, a pattern with %c gives nothing and one with %u still does', () => {
    const view = viewAcl(parseAclFile('pattern read c/%c/x\npattern read u/%u/x', 'acl'), 'ann')
    expect(view.mayRead('c//x')).toBe(false)
    expect(view.mayRead('u/ann/x')).toBe(true)
  })

  test('a name that begins with $ does not reach $ topics through a pattern', () => {
    const view = viewAcl(parseAclFile('pattern read %u/#', 'acl'), '$SYS')
    expect(view.mayRead('$SYS/broker/uptime', 'c')).toBe(false)
  })

  test('two thousand clients of one user each keep to their own place', () => {
    const view = viewAcl(parseAclFile('pattern readwrite c/%c', 'acl'), 'ann')
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 2000; i++) expect(view.mayWrite(`c/${i}`, String(i))).toBe(true)
      expect(view.mayWrite('c/1', '2')).toBe(false)
    }
  })
})

describe('compiled rules', () => {
  const level = fc.constantFrom('a', 'b', '$x', '+')
  const rule = fc.record({
    filter: fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([levels, all]) => (all ? [...levels, '#'] : levels).join('/')),
    access: fc.constantFrom(0, canRead, canWrite, canRead | canWrite),
    line: fc.constant(1),
  })
  const topic = fc
    .array(fc.constantFrom('a', 'b', '$x'), { minLength: 1, maxLength: 4 })
    .map((levels) => levels.join('/'))

  test('answer as a walk through the list with denials first', () => {
    const walk = (rules: readonly AclRule[], name: string, wanted: number): boolean | null => {
      const fitting = rules.filter(({ filter }) => matches(filter, name))
      if (fitting.some(({ access }) => access === 0)) return false
      return fitting.some(({ access }) => (access & wanted) !== 0) ? true : null
    }
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 12 }), fc.array(topic, { maxLength: 20 }), (rules, topics) => {
        const compiled = compileRules(rules)
        for (const name of [...topics, ...topics]) {
          expect(compiled(name, canRead)).toBe(walk(rules, name, canRead))
          expect(compiled(name, canWrite)).toBe(walk(rules, name, canWrite))
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('what is no ACL file', () => {
  test.each([
    ['topik read a', /acl:2: "topik" is not known/],
    ['user', /acl:2: a user line needs a name/],
    ['topic', /acl:2: there is no topic/],
    ['topic raed a/b', /acl:2: "raed" is no access/],
    ['topic read a/#/b', /acl:2: "a\/#\/b" is not a topic filter/],
    ['pattern read a+/%u', /acl:2: "a\+\/%u" is not a topic filter/],
  ])('%j is an error with its line', (line, message) => {
    const parse = () => parseAclFile(`# first\n${line}`, 'acl')
    expect(parse).toThrow(message)
    expect(parse).toThrow(expect.objectContaining({ code: 'bad_acl_file' }))
  })

  test('a topic called as an access word, one with spaces, and CRLF are fine', () => {
    const view = viewAcl(parseAclFile('user ann\r\ntopic read\r\ntopic write a b/c\r\n', 'acl'), 'ann')
    expect([view.mayRead('read'), view.mayWrite('read')]).toEqual([true, true])
    expect([view.mayRead('a b/c'), view.mayWrite('a b/c')]).toEqual([false, true])
  })
})
