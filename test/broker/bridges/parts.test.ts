// The parts of a bridge: its streams, its names for topics, and what it recognises as its own.

import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEchoes } from '../../../src/broker/bridges/echoes.ts'
import { createStreamPair } from '../../../src/broker/bridges/pair.ts'
import { parseAddress } from '../../../src/broker/bridges/remote.ts'
import { createBridgeTopics } from '../../../src/broker/bridges/topics.ts'
import type { BridgeConfig } from '../../../src/config/bridge.ts'

describe('a pair of streams', () => {
  test('carries every byte in order, makes the writer wait, and ends with either side', async () => {
    const [near, far] = createStreamPair()
    const sent = Buffer.alloc(1_000_000, 'abcdefghij')
    let waits = 0
    const writing = (async () => {
      for (let at = 0; at < sent.length; at += 10_000) {
        if (near.write(sent.subarray(at, at + 10_000))) continue
        waits++
        await once(near, 'drain')
      }
    })()
    const got: Buffer[] = []
    let size = 0
    for await (const chunk of far) {
      got.push(chunk as Buffer)
      size += (chunk as Buffer).length
      if (size === sent.length) break
    }
    await writing
    expect(Buffer.concat(got).equals(sent)).toBe(true)
    expect(waits).toBeGreaterThan(5)
    if (!near.destroyed) await once(near, 'close')
    expect(near.destroyed).toBe(true)
  })

  test('a side that is destroyed ends the other, and what was written before is read', async () => {
    const [near, far] = createStreamPair()
    const read: string[] = []
    far.on('data', (chunk: Buffer) => read.push(String(chunk)))
    near.write('last words')
    near.destroy()
    await once(far, 'close')
    expect(read).toEqual(['last words'])
  })
})

type Topic = BridgeConfig['topics'][number]
const topic = (changes: Partial<Topic>): Topic => ({
  filter: '#',
  direction: 'both',
  qos: 0,
  local_prefix: '',
  remote_prefix: '',
  ...changes,
})

describe('topics', () => {
  test.each([
    [{ filter: 'a/#', direction: 'out' }, 'a/b', 'a/b', null],
    [{ filter: 'a/#', direction: 'in' }, 'a/b', null, 'a/b'],
    [{ filter: '+/t', local_prefix: 'home/', remote_prefix: 'site1/' }, 'home/x/t', 'site1/x/t', null],
    [{ filter: '+/t', local_prefix: 'home/', remote_prefix: 'site1/' }, 'site1/x/t', null, 'home/x/t'],
    [{ filter: '', direction: 'out', local_prefix: 'a', remote_prefix: 'b/c' }, 'a', 'b/c', null],
    [{ filter: 'a/#' }, 'other', null, null],
    [{ filter: '#', remote_prefix: 'x/' }, '$SYS/broker/uptime', null, null],
  ] as const)('%j calls %s %s there and %s here', (changes, name, there, here) => {
    const topics = createBridgeTopics({ name: 'b', topics: [topic(changes as Partial<Topic>)] })
    expect([topics.toRemote(name), topics.toLocal(name)]).toEqual([there, here])
  })

  test('the first entry that matches names a topic, and each filter is subscribed once with its highest QoS', () => {
    const topics = createBridgeTopics({
      name: 'b',
      topics: [
        topic({ filter: 'a', direction: 'out', remote_prefix: '1/' }),
        topic({ filter: 'a', direction: 'out', qos: 2, remote_prefix: '2/' }),
        topic({ filter: '+', direction: 'in', qos: 1 }),
      ],
    })
    expect(topics.toRemote('a')).toBe('1/a')
    expect(topics.local).toEqual([{ filter: 'a', qos: 2 }])
    expect(topics.remote).toEqual([{ filter: '+', qos: 1 }])
  })

  test('what is no filter is an error that names the bridge', () => {
    const build = () => createBridgeTopics({ name: 'up', topics: [topic({ filter: 'a#', direction: 'in' })] })
    expect(build).toThrow('bridge up: "a#" is no topic filter')
  })

  test('a name there leads back to the name here', () => {
    const level = fc.string({ minLength: 1 }).filter((text) => !/[+#/\0$]/.test(text) && text.isWellFormed())
    fc.assert(
      fc.property(level, level, level, (local, remote, name) => {
        const topics = createBridgeTopics({
          name: 'b',
          topics: [topic({ local_prefix: `${local}/`, remote_prefix: `${remote}/` })],
        })
        const there = topics.toRemote(`${local}/${name}`)
        expect(there).toBe(`${remote}/${name}`)
        expect(topics.toLocal(there ?? '')).toBe(`${local}/${name}`)
        expect(topics.isBoth(there ?? '')).toBe(true)
      }),
    )
  })
})

describe('echoes', () => {
  test('each message is recognised as often as it was sent, and only for a while', () => {
    const clock = { ms: 0 }
    const echoes = createEchoes(() => clock.ms)
    const on = Buffer.from('ON')
    echoes.sent('lamp', on)
    echoes.sent('lamp', on)
    expect(echoes.isEcho('lamp', Buffer.from('OFF'))).toBe(false)
    expect(echoes.isEcho('other', on)).toBe(false)
    expect([1, 2, 3].map(() => echoes.isEcho('lamp', on))).toEqual([true, true, false])
    echoes.sent('lamp', on)
    clock.ms = 60_000
    expect(echoes.isEcho('lamp', on)).toBe(false)
  })

  test('no more than ten thousand are remembered', () => {
    const echoes = createEchoes(() => 0)
    for (let n = 0; n < 10_001; n++) echoes.sent(`t/${n}`, Buffer.from('x'))
    expect(echoes.isEcho('t/0', Buffer.from('x'))).toBe(false)
    expect(echoes.isEcho('t/1', Buffer.from('x'))).toBe(true)
  })
})

test.each([
  ['broker.example', 'broker.example', 1883],
  ['broker.example:1', 'broker.example', 1],
  ['[2001:db8::1]:8883', '2001:db8::1', 8883],
])('the address %s is %s at %d', (text, host, port) => {
  expect(parseAddress(text, { name: 'b', tls: false, ca_file: '' } as BridgeConfig)).toEqual({ host, port })
})

test.each(['', 'a b', 'a:0', 'a:70000', '2001:db8::1', 'mqtt://a'])('the address %j is refused', (text) => {
  expect(() => parseAddress(text, { name: 'b', tls: false, ca_file: '' } as BridgeConfig)).toThrow(
    `bridge b: "${text}" is no address`,
  )
})
