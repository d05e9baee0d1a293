// Retained look-ups cost what they find: neither the number of other topics nor their depth shows.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matches } from '../../../src/domain/topic.ts'
import type { Message } from '../../../src/broker/message.ts'
import { RetainedTree } from '../../../src/broker/sessions/retained.ts'
import { join, nextPublish, publishAndWait, subscribe } from '../peer.ts'
import { startServer } from '../server.ts'

const message = (topic: string): Message => ({
  topic,
  payload: Buffer.from('x'),
  qos: 1,
  retain: true,
  properties: null,
  clientId: '',
  expiresAt: null,
})

const level = fc.constantFrom('a', 'b', '', '$s', 'long')
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'))

test('the tree finds exactly what the filter matches', () => {
  fc.assert(
    fc.property(fc.uniqueArray(topic), fc.array(topic), filter, (kept, gone, wanted) => {
      const tree = new RetainedTree()
      for (const name of kept) tree.set(message(name))
      for (const name of gone) tree.delete(name)
      const left = kept.filter((name) => !gone.includes(name))
      const found = [...tree.match(wanted)].map(({ topic: name }) => name)
      expect(found.sort()).toEqual(left.filter((name) => matches(wanted, name)).sort())
      expect(tree.count).toBe(left.length)
    }),
  )
})

/** Milliseconds of a thousand look-ups among so many other topics. */
function lookUpMs(others: number): number {
  const tree = new RetainedTree()
  for (let i = 0; i < others; i++) tree.set(message(`house/${i % 1000}/room/${i}`))
  tree.set(message('wanted/one'))
  const started = performance.now()
  let found = 0
  for (let i = 0; i < 1000; i++) found += [...tree.match('wanted/+')].length
  expect(found).toBe(1000)
  return performance.now() - started
}

test('a hundred thousand topics that do not match cost nothing', () => {
  // A scan of them, a thousand times, takes a minute and more; the walk of two levels takes milliseconds.
  expect(lookUpMs(100_000)).toBeLessThan(lookUpMs(10) + 2000)
})

test('SUBSCRIBE to one of many retained topics is answered with it at once', async () => {
  const server = await startServer()
  for (let i = 0; i < 100_000; i++) server.sessions.registry.retained.set(message(`many/${i % 1000}/${i}`))
  const { client } = await join(server.port, 5)
  await publishAndWait(client, { topic: 'wanted/one', payload: 'here', retain: true })
  await subscribe(client, [{ topic: 'wanted/one', qos: 1 }])
  expect(String((await nextPublish(client)).payload)).toBe('here')
  client.destroy()
  await server.close()
})
