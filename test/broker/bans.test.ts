// Bans after failed logins, on a clock of the test and on a real server.

import { describe, expect, test } from 'vitest'
import { createBans } from '../../src/broker/bans.ts'
import { createLog } from '../../src/ops/log.ts'
import { openRaw, connectPacket, connectRaw } from './rawClient.ts'
import { startServer } from './server.ts'

const log = createLog({ level: 'silent', format: 'json' })
const config = {
  ban_failed_logins: true,
  ban_after: 3,
  ban_window_s: 60,
  ban_time_s: 100,
  ban_exempt: ['10.0.0.0/8', '::1'],
}

function makeBans(changes: Partial<typeof config> = {}) {
  const clock = { ms: 1_000_000 }
  const bans = createBans({ ...config, ...changes }, { log, now: () => clock.ms })
  const fail = (address: string, times: number): void => {
    for (let n = 0; n < times; n++) bans.onLogin(address, false)
  }
  return { bans, clock, fail }
}

test('the last failure allowed bans, for as long as configured, and other addresses are not meant', () => {
  const { bans, clock, fail } = makeBans()
  fail('192.0.2.1', 2)
  expect(bans.isBanned('192.0.2.1')).toBe(false)
  fail('192.0.2.1', 1)
  expect(bans.isBanned('192.0.2.1')).toBe(true)
  expect(bans.isBanned('192.0.2.2')).toBe(false)
  clock.ms += 99_999
  expect(bans.isBanned('192.0.2.1')).toBe(true)
  clock.ms += 1
  expect(bans.isBanned('192.0.2.1')).toBe(false)
  fail('192.0.2.1', 2)
  expect(bans.isBanned('192.0.2.1')).toBe(false)
})

test('failures count within the window only, and a login forgives them', () => {
  const { bans, clock, fail } = makeBans()
  fail('192.0.2.1', 2)
  clock.ms += 60_000
  fail('192.0.2.1', 2)
  expect(bans.isBanned('192.0.2.1')).toBe(false)
  bans.onLogin('192.0.2.1', true)
  fail('192.0.2.1', 2)
  expect(bans.isBanned('192.0.2.1')).toBe(false)
})

test('exempt networks and unix sockets are never banned, nor is anybody when it is off', () => {
  const { bans, fail } = makeBans()
  for (const address of ['10.1.2.3', '::1', '']) {
    fail(address, 100)
    expect(bans.isBanned(address)).toBe(false)
  }
  const off = makeBans({ ban_failed_logins: false })
  off.fail('192.0.2.1', 100)
  expect(off.bans.isBanned('192.0.2.1')).toBe(false)
})

test('what is remembered is bounded: the oldest address is forgotten first', () => {
  const { bans, fail } = makeBans()
  fail('192.0.2.1', 3)
  for (let n = 0; n < 50_000; n++) fail(`198.51.${n >> 8}.${n & 255}`, 1)
  expect(bans.isBanned('192.0.2.1')).toBe(false)
})

describe('a real server', () => {
  test('closes connections of a banned address, and counts them', async () => {
    const server = await startServer({
      principals: { ann: {} },
      mqtt: { ban_after: 2, ban_exempt: [] },
    })
    const stays = await connectRaw(server.port, 4, { username: 'ann' })
    for (let n = 0; n < 2; n++) {
      const client = await openRaw(server.port, 4)
      client.send({ ...connectPacket(4), username: 'eve' })
      expect(await client.take('connack')).toMatchObject({ returnCode: 5 })
      client.destroy()
    }
    const refused = await openRaw(server.port, 4)
    refused.send({ ...connectPacket(4), username: 'ann' })
    await refused.untilClosed()
    expect(refused.received).toEqual([])
    expect((await server.metrics.refused.get()).values).toMatchObject([
      { labels: { reason: 'banned' }, value: 1 },
    ])
    expect(stays.closed).toBe(false)
    stays.destroy()
    await server.close()
  })
})
