// The PROXY protocol, versions 1 and 2: a load balancer's first bytes, which say who is really calling.
//
//   1   PROXY TCP4 192.0.2.1 198.51.100.1 56324 1883\r\n        at most 107 bytes
//   2   12 bytes of signature | version, command | family | length (2) | addresses, then extensions: length bytes

import { isIPv4, isIPv6, type Socket } from 'node:net'

/** `address`: of the caller, or `null` when the header says none (a health check, UNKNOWN). */
export interface ProxyHeader {
  address: string | null
  /** Bytes the header takes. */
  length: number
}

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const lineBytesMax = 107
/** Room for addresses and extensions; real ones have a few hundred bytes. */
const blockBytesMax = 4096

/** The header at the start of `bytes`; `null`: more is needed. Throws when it is none. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | null {
  const seen = Math.min(bytes.length, signature.length)
  if (bytes.subarray(0, seen).equals(signature.subarray(0, seen))) {
    return bytes.length < signature.length + 4 ? null : parseBinary(bytes)
  }
  const start = bytes.toString('latin1', 0, Math.min(bytes.length, 6))
  if (start !== 'PROXY '.slice(0, start.length)) throw new Error('no PROXY header')
  const end = bytes.subarray(0, lineBytesMax).indexOf('\r\n')
  if (end >= 0) return parseLine(bytes.toString('latin1', 0, end), end + 2)
  if (bytes.length >= lineBytesMax) throw new Error('the PROXY header has no end')
  return null
}

function parseLine(line: string, length: number): ProxyHeader {
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...more] =
    line.split(' ')
  if (family === 'UNKNOWN') return { address: null, length }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : null
  if (isAddress === null || !isAddress(source) || !isAddress(destination) || more.length > 0) {
    throw new Error('the PROXY header names no addresses')
  }
  if (![sourcePort, destinationPort].every((port) => /^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
    throw new Error('the PROXY header names no ports')
  }
  return { address: source, length }
}

function parseBinary(bytes: Buffer): ProxyHeader | null {
  const version = bytes[12] as number
  const family = bytes[13] as number
  const size = bytes.readUInt16BE(14)
  if (version >> 4 !== 2 || (version & 15) > 1) throw new Error('the PROXY header is of no known version')
  if (size > blockBytesMax) throw new Error('the PROXY header is too long')
  const length = 16 + size
  if (bytes.length < length) return null
  // LOCAL: the proxy itself is calling. Families beside TCP over IPv4 and IPv6 name nobody we could show.
  if ((version & 15) === 0) return { address: null, length }
  if (family === 0x11 && size >= 12) return { address: bytes.subarray(16, 20).join('.'), length }
  if (family === 0x21 && size >= 36) return { address: textOfIPv6(bytes.subarray(16, 32)), length }
  if (family === 0x11 || family === 0x21) throw new Error('the PROXY header is cut short')
  return { address: null, length }
}

function textOfIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16))
  // URL writes an address in its one short form.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** Takes the header off a new connection and leaves the rest to be read. Calls `done` once. */
export function readProxyHeader(
  socket: Socket,
  done: (error: Error | null, address: string | null) => void,
): void {
  let bytes = Buffer.alloc(0)
  const stop = (): void => {
    socket.off('readable', onReadable)
    socket.off('end', onEnd)
  }
  const onEnd = (): void => {
    stop()
    done(new Error('the connection ended within the PROXY header'), null)
  }
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    bytes = Buffer.concat([bytes, chunk])
    try {
      const header = parseProxyHeader(bytes)
      if (header === null) return
      stop()
      if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
      done(null, header.address)
    } catch (error) {
      stop()
      done(error as Error, null)
    }
  }
  socket.on('readable', onReadable)
  socket.once('end', onEnd)
}
