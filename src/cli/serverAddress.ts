// Where the server is that a command asks: by flag, by environment, or on this machine.

import { type Io, UsageError } from './io.ts'

export const urlFlag = '--url <url>'
export const urlHelp = 'the server (also AMBER_URL; default: http://localhost:8080)'
export const userFlag = '-u, --user <name:password>'
export const userHelp = 'who asks (also AMBER_USER and AMBER_PASSWORD, or AMBER_TOKEN)'

export function serverUrl(io: Io, path: string, flag: string | undefined): URL {
  const base = flag ?? io.env['AMBER_URL'] ?? 'http://localhost:8080'
  if (!/^https?:\/\/./.test(base) || !URL.canParse(base)) {
    throw new UsageError(`--url: "${base}" is not an address such as http://localhost:8080`)
  }
  return new URL(path, base)
}
