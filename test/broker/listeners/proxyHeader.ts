// Version 2 headers as a load balancer writes them, for the tests.

import { isIPv4 } from 'node:net'

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

export function encodeProxyHeader(from: string, extensions: Uint8Array = new Uint8Array()): Buffer {
  const source = isIPv4(from) ? Buffer.from(from.split('.').map(Number)) : bytesOfIPv6(from)
  const addresses = Buffer.concat([
    source,
    Buffer.alloc(source.length, 9),
    Buffer.from([0xdc, 4, 0x07, 0x5b]),
  ])
  const size = Buffer.alloc(2)
  size.writeUInt16BE(addresses.length + extensions.length)
  const kind = Buffer.from([0x21, isIPv4(from) ? 0x11 : 0x21])
  return Buffer.concat([signature, kind, size, addresses, extensions])
}

function bytesOfIPv6(text: string): Buffer {
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const before = groups(head)
  const after = groups(tail ?? '')
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const hex = [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('')
  return Buffer.from(hex, 'hex')
}
