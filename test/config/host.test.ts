import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { isLoopback, listenHost } from '../../src/config/host.ts'

test.each(['', '0.0.0.0', '::', '192.168.1.2', 'example.org', '127.0.0.1.example.org'])(
  'with a demo account %j becomes loopback',
  (host) => {
    expect(listenHost(host, true)).toBe('127.0.0.1')
  },
)

test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])(
  'with a demo account %s stays, being loopback',
  (host) => {
    expect(listenHost(host, true)).toBe(host)
    expect(isLoopback(host)).toBe(true)
  },
)

test('without one the configured address is taken, and none means every address', () => {
  expect(listenHost('192.168.1.2', false)).toBe('192.168.1.2')
  const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ family }) => family === 'IPv6'),
  )
  expect(listenHost('', false)).toBe(hasIpv6 ? '::' : '0.0.0.0')
})
