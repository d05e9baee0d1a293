// Addresses and networks of a configuration as one set to look things up in, and addresses in their plain form.

import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { AppError } from '../../domain/errors.ts'

export interface AddressSet {
  readonly isEmpty: boolean
  has(address: string): boolean
}

/** Throws `bad_config` naming `key` for what is neither an address nor a network. */
export function parseAddresses(entries: readonly string[], key: string): AddressSet {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits, ...more] = entry.split('/')
    const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null
    const most = family === 'ipv4' ? 32 : 128
    if (
      family === null ||
      more.length > 0 ||
      (bits !== undefined && !(/^\d+$/.test(bits) && Number(bits) <= most))
    ) {
      throw new AppError(
        'bad_config',
        `${key}: "${entry}" is no address and no network; write 192.0.2.1 or 10.0.0.0/8`,
      )
    }
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return {
    isEmpty: entries.length === 0,
    has: (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'),
  }
}

/** An IPv4 address that came over an IPv6 socket is the same address. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}
