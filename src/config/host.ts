// Where to listen: never beyond this machine while an account with a published password can log in.

import { networkInterfaces } from 'node:os'

/** The address to bind: loopback while `demo`, whatever is configured; empty means every address. */
export function listenHost(configuredHost: string, demo: boolean): string {
  if (demo) return isLoopback(configuredHost) ? configuredHost : '127.0.0.1'
  return configuredHost === '' ? everyAddress() : configuredHost
}

/** Whether `host` can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** `::` takes IPv4 as well; on a machine without IPv6 it cannot be bound. */
function everyAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat()
  return addresses.some((address) => address?.family === 'IPv6') ? '::' : '0.0.0.0'
}
