// The tree of subscriptions against the matching of single filters, through any order of changes.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Session } from '../../../src/broker/sessions/session.ts'
import { sharedFilter, SubscriptionTree } from '../../../src/broker/sessions/subscriptions.ts'
import { matches } from '../../../src/domain/topic.ts'

const level = fc.constantFrom('a', 'b', '', '$s')
const topic = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join('/'))
const plain = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'))
const filter = fc.oneof(
  plain,
  plain.map((inner) => `$share/g/${inner}`),
)
const step = fc.record({ client: fc.integer({ min: 0, max: 3 }), filter, add: fc.boolean(), probe: topic })

test('finds every session whose filters match, and no other, after each change', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const tree = new SubscriptionTree()
      const sessions = [0, 1, 2, 3].map((n) => new Session(`s${n}`, 0))
      for (const { client, filter: wanted, add, probe } of steps) {
        const session = sessions[client] as Session
        if (add) tree.add(session, { topic: wanted, qos: 1 })
        else tree.remove(session, wanted)
        const { subscribers, groups } = tree.match(probe)
        const found = [
          ...subscribers.map((one) => `${one.session.id} ${one.subscription.topic}`),
          ...groups.flatMap(({ name, members }) => [...members.keys()].map(({ id }) => `${id} ${name}`)),
        ]
        const expected = sessions.flatMap(({ id, subscriptions }) =>
          [...subscriptions.keys()]
            .filter((name) => matches(sharedFilter(name)?.filter ?? name, probe))
            .map((name) => `${id} ${name}`),
        )
        expect(found.sort()).toEqual(expected.sort())
        expect(tree.count).toBe(sessions.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0))
      }
    }),
  )
})
