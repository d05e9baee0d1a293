// Retained look-ups cost what they find: neither the number of other topics nor their depth shows.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matches } from '../../../src/domain/topic.ts'
import type { Message } from '../../../src/broker/message.ts'
import { RetainedTree } from '../../../src/broker/sessions/retained.ts'
import { join, nextPublish, publishAndWait, subscribe } from '../peer.ts'
import { connectRaw, until } from '../rawClient.ts'
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

const everything = 3000

describe('SUBSCRIBE to everything', () => {
  test('looks at a part of the retained messages in one turn of the server, and lets others in between', async () => {
    const server = await startServer({ principals: { '': { mayRead: (topic) => topic !== 'many/0' } } })
    let seen = 0
    for (let i = 0; i < everything; i++) server.sessions.registry.retained.set(message(`many/${i}`))
    const { retained } = server.sessions.registry
    const matchNow = retained.matchNow.bind(retained)
    retained.matchNow = (wanted) => {
      const found = matchNow(wanted)
      return {
        next: () => {
          seen++
          return found.next()
        },
      }
    }
    const reader = await connectRaw(server.port, 4, { clientId: 'reader' })
    let most = 0
    let before = 0
    const look = (): void => {
      most = Math.max(most, seen - before)
      before = seen
      if (seen <= everything) setImmediate(look)
    }
    look()
    reader.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] })
    const got = (): number => reader.received.filter(({ cmd }) => cmd === 'publish').length
    await until(() => got() === everything - 1, 'all that may be read')
    expect(most).toBeLessThanOrEqual(everything / 2)
    await server.close()
  })

  test('brings one that is replaced in the meantime once, as it is then, and one that is removed not at all', async () => {
    const server = await startServer()
    for (let i = 0; i < everything; i++) server.sessions.registry.retained.set(message(`many/${i}`))
    const reader = await connectRaw(server.port, 5, { clientId: 'reader' })
    const subscription = { topic: '#', qos: 1 as const, nl: false, rap: true, rh: 0 }
    // A window's worth is sent; the others wait for acknowledgements.
    reader.send({ cmd: 'subscribe', messageId: 1, subscriptions: [subscription] })
    await reader.take('suback')
    const last = `many/${everything - 1}`
    const gone = `many/${everything - 2}`
    const { client: writer } = await join(server.port, 5)
    await publishAndWait(writer, { topic: last, payload: 'new', retain: true })
    await publishAndWait(writer, { topic: gone, payload: '', retain: true })
    const payloads = (topic: string): string[] =>
      reader.received.flatMap((packet) =>
        packet.cmd === 'publish' && packet.topic === topic ? [String(packet.payload)] : [],
      )
    let acknowledged = 0
    const isDone = (): boolean => {
      const publishes = reader.received.filter(({ cmd }) => cmd === 'publish')
      for (; acknowledged < publishes.length; acknowledged++) {
        reader.send({
          cmd: 'puback',
          messageId: (publishes[acknowledged] as { messageId: number }).messageId,
        })
      }
      return payloads(gone).length > 0
    }
    await until(isDone, 'the last message')
    expect(payloads(last)).toEqual(['new'])
    expect(payloads(gone)).toEqual([''])
    expect(acknowledged).toBe(everything)
    writer.destroy()
    await server.close()
  })
})
