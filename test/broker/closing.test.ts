import { describe, expect, test } from 'vitest'
import { Closing } from '../../src/broker/closing.ts'
import { connectRaw, type RawClient, until } from './rawClient.ts'
import { startServer } from './server.ts'

describe('ends of many connections', () => {
  test('beyond the time of one turn wait for later turns, in their order', async () => {
    let now = 0
    const closing = new Closing({ turnMs: 4, now: () => now })
    const done: number[] = []
    for (let n = 0; n < 10; n++) {
      closing.run(() => {
        done.push(n)
        now += 2
      })
    }
    expect(done).toEqual([0, 1])
    const turns: number[] = []
    while (closing.waiting > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      turns.push(done.length)
    }
    expect(turns.every((count, at) => count - (turns[at - 1] ?? 2) <= 2)).toBe(true)
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('one that comes while others wait does not overtake them', async () => {
    const closing = new Closing({ turnMs: 0, now: () => 0 })
    const done: string[] = []
    closing.run(() => done.push('first'))
    closing.run(() => {
      done.push('second')
      closing.run(() => done.push('third'))
    })
    await until(() => done.length === 3, 'all ends')
    expect(done).toEqual(['first', 'second', 'third'])
  })
})

describe('a storm of wills', () => {
  const many = 800
  test('lets a client that stays be answered before the last of them', async () => {
    const server = await startServer()
    try {
      const watcher = await connectRaw(server.port, 4, { clientId: 'watcher' })
      watcher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'gone/#', qos: 0 }] })
      await watcher.take('suback')
      const clients: RawClient[] = await Promise.all(
        Array.from({ length: many }, (_, n) => {
          const will = { topic: `gone/${n}`, payload: Buffer.from('x'), qos: 1 as const, retain: false }
          return connectRaw(server.port, 4, { clientId: `storm-${n}`, will })
        }),
      )
      let asked = false
      watcher.socket.on('data', () => {
        if (!asked) watcher.send({ cmd: 'pingreq' })
        asked = true
      })
      for (const { socket } of clients) socket.resetAndDestroy()
      await until(() => watcher.received.filter(({ cmd }) => cmd === 'publish').length === many, 'all wills')
      const at = watcher.received.findIndex(({ cmd }) => cmd === 'pingresp')
      expect(at).toBeGreaterThan(0)
      expect(at).toBeLessThan(many)
      const topics = watcher.received.flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : []))
      expect(new Set(topics).size).toBe(many)
      expect(server.broker.clients()).toHaveLength(1)
    } finally {
      await server.close()
    }
  })

  test('a client that took its leave leaves no will, though its connection ends in a later turn', async () => {
    const server = await startServer()
    try {
      const watcher = await connectRaw(server.port, 4, { clientId: 'watcher' })
      watcher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] })
      await watcher.take('suback')
      const clients = await Promise.all(
        Array.from({ length: 200 }, (_, n) => {
          const will = { topic: `gone/${n}`, payload: Buffer.from('x'), qos: 0 as const, retain: false }
          return connectRaw(server.port, 4, { clientId: `leaver-${n}`, will })
        }),
      )
      for (const { socket } of clients) {
        // What stands behind DISCONNECT is not read [MQTT-3.14.4-2].
        socket.write(Buffer.concat([Buffer.from([0xe0, 0]), Buffer.from([0x30, 4, 0, 1, 0x61, 0x62])]))
        socket.end()
      }
      await until(() => server.broker.clients().length === 1, 'all of them to leave')
      watcher.send({ cmd: 'pingreq' })
      await watcher.take('pingresp')
      expect(watcher.received.filter(({ cmd }) => cmd === 'publish')).toEqual([])
    } finally {
      await server.close()
    }
  })
})
