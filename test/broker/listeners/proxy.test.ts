// PROXY headers of both versions, as load balancers send them and as nobody should.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseProxyHeader } from '../../../src/broker/listeners/proxy.ts'
import { encodeProxyHeader } from './proxyHeader.ts'

const line = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('version 1', () => {
  test.each([
    ['PROXY TCP4 192.0.2.1 198.51.100.1 56324 1883\r\n', '192.0.2.1'],
    ['PROXY TCP6 2001:db8::1 2001:db8::2 56324 1883\r\n', '2001:db8::1'],
    ['PROXY UNKNOWN\r\n', null],
    ['PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', null],
  ])('%j is from %s', (text, address) => {
    expect(parseProxyHeader(line(`${text}\x10\x0c`))).toEqual({ address, length: text.length })
  })

  test.each([
    '\x10\x0c\x00\x04MQTT',
    'GET / HTTP/1.1\r\n',
    'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n',
    'PROXY SCTP 192.0.2.1 198.51.100.1 1 2\r\n',
    `PROXY TCP4 ${'1'.repeat(120)}`,
  ])('%j is refused', (text) => {
    expect(() => parseProxyHeader(line(text))).toThrow()
  })
})

describe('version 2', () => {
  test('a local header names nobody', () => {
    const header = encodeProxyHeader('192.0.2.1')
    header[12] = 0x20
    expect(parseProxyHeader(header)).toEqual({ address: null, length: header.length })
  })

  test('another version, another command and a length beyond reason are refused', () => {
    for (const [at, byte] of [
      [12, 0x11],
      [12, 0x22],
      [14, 0xff],
    ] as const) {
      const header = encodeProxyHeader('192.0.2.1')
      header[at] = byte
      expect(() => parseProxyHeader(header)).toThrow()
    }
  })

  test('addresses that the length does not cover are refused', () => {
    const header = encodeProxyHeader('192.0.2.1')
    header.writeUInt16BE(4, 14)
    expect(() => parseProxyHeader(header)).toThrow('cut short')
  })
})

test('every address comes out as it went in, also behind extensions, and no part of a header is taken for a whole', () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.array(fc.nat({ max: 0xffff }), { minLength: 8, maxLength: 8 }).map((groups) => {
      const text = groups.map((group) => group.toString(16)).join(':')
      return new URL(`http://[${text}]`).hostname.slice(1, -1)
    }),
  )
  fc.assert(
    fc.property(address, fc.uint8Array({ maxLength: 200 }), fc.nat(), (from, extensions, cut) => {
      const header = encodeProxyHeader(from, extensions)
      expect(parseProxyHeader(Buffer.concat([header, Buffer.from('rest')]))).toEqual({
        address: from,
        length: header.length,
      })
      expect(parseProxyHeader(header.subarray(0, cut % header.length))).toBeNull()
    }),
  )
})

test('no bytes make the reader do anything but answer or refuse', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('', 'PROXY ', 'PROXY TCP4 '),
      (bytes, start) => {
        try {
          parseProxyHeader(Buffer.concat([Buffer.from(start), bytes]))
        } catch (error) {
          expect(String(error)).toContain('PROXY header')
        }
      },
    ),
  )
})
