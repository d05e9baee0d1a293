// The reasons of the ACL tester against the rules in force: both answer alike, whatever the file.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAclFile, viewAcl } from '../../src/auth/acl.ts'
import { explainAccess } from '../../src/auth/explain.ts'

const level = fc.constantFrom('a', 'b', '$x', '+', '%u', '%c')
const filter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, all]) => (all ? [...levels, '#'] : levels).join('/'))
const rule = fc
  .tuple(fc.constantFrom('topic', 'pattern'), fc.constantFrom('read', 'write', 'readwrite', 'deny'), filter)
  .map(([keyword, access, text]) => `${keyword} ${access} ${text}`)
const file = fc
  .array(fc.oneof({ weight: 3, arbitrary: rule }, fc.constantFrom('user ann', 'user a/b', '# remark', '')), {
    maxLength: 12,
  })
  .map((lines) => lines.join('\n'))
const topic = fc
  .array(fc.constantFrom('a', 'b', '$x', 'ann'), { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))

test('a reason never says otherwise than the rules in force, and its line says what it says', () => {
  fc.assert(
    fc.property(
      file,
      topic,
      fc.constantFrom(null, 'ann', 'a/b', '$x', 'bob'),
      fc.constantFrom('', 'a', 'c+'),
      (text, name, user, clientId) => {
        const acl = parseAclFile(text, 'acl')
        const view = viewAcl(acl, user)
        const { read, write } = explainAccess(acl, { name: user, topic: name, clientId })
        expect(read.isAllowed).toBe(view.mayRead(name, clientId))
        expect(write.isAllowed).toBe(view.mayWrite(name, clientId))
        for (const { line, isAllowed } of [read, write]) {
          if (line === null) expect(isAllowed).toBe(false)
          else expect((text.split('\n')[line - 1] ?? '').includes(' deny ')).toBe(!isAllowed)
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('without an ACL file everything is allowed, and that is the reason', () => {
  const { read } = explainAccess(null, { name: 'ann', topic: 'a', clientId: '' })
  expect(read).toMatchObject({
    isAllowed: true,
    line: null,
    reason: expect.stringContaining('no ACL file') as string,
  })
})
