// `amber healthcheck`: whether the server of this configuration is ready. For containers and scripts: quick and silent when well.

import { type Command, Option } from 'commander'
import type { Config } from '../config/schema.ts'
import { AppError } from '../domain/errors.ts'
import { addConfigFlags, configOf } from './configFlags.ts'
import { fetchFault } from './httpGet.ts'
import { type Io, write } from './io.ts'
import { wholeNumber } from './mqttOptions.ts'

const examples = `
Asks /readyz of the address that the flags, the environment and the YAML file give. Exit code 0: ready; 1: not.

Examples:
  amber healthcheck
  amber healthcheck --url http://server:8080
  HEALTHCHECK CMD ["amber", "healthcheck"]      (in a Dockerfile)`

export function addHealthcheck(program: Command, { io }: { io: Io }): void {
  const command = program
    .command('healthcheck')
    .summary('ask whether the server is ready')
    .description('Ask whether the server is ready to take publishes and queries.')
    .option('--url <url>', 'the server, instead of the configured address')
    .addOption(new Option('--timeout-ms <ms>', 'longest wait').default(3000).argParser(wholeNumber))
    .addHelpText('after', examples)
    .action(async (options: Record<string, unknown>) => {
      const given = options['url']
      const bases = typeof given === 'string' ? [given] : addressesOf(configOf(io, options).config)
      await healthcheck(io, bases, Number(options['timeoutMs']))
    })
  addConfigFlags(command)
}

async function healthcheck(io: Io, bases: readonly string[], timeoutMs: number): Promise<void> {
  const faults: string[] = []
  for (const base of bases) {
    const fault = await faultOf(base, timeoutMs)
    if (fault === null) return io.stdout.isTTY === true ? write(io.stdout, 'ready\n') : undefined
    faults.push(fault)
  }
  throw new AppError('internal', `not ready: ${faults.join('; ')}`)
}

/** `null` when the server there is ready. */
async function faultOf(base: string, timeoutMs: number): Promise<string | null> {
  if (!URL.canParse('/readyz', base)) return `"${base}" is not an address such as http://localhost:8080`
  const url = new URL('/readyz', base)
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    await response.arrayBuffer()
    return response.ok ? null : `${url.href} answers ${response.status}`
  } catch (error) {
    return `${url.origin}: ${fetchFault(error)}`
  }
}

/**
 * Where this machine reaches the configured listener. One for every address answers on loopback as well, and with a
 * demo account loopback is all there is, whatever is configured.
 */
function addressesOf({ http }: Config): string[] {
  const loopback = `http://127.0.0.1:${http.port}`
  if (['', '0.0.0.0', '::', '127.0.0.1'].includes(http.host)) return [loopback]
  return [`http://${http.host.includes(':') ? `[${http.host}]` : http.host}:${http.port}`, loopback]
}
