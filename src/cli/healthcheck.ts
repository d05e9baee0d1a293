// `amber healthcheck`: whether the server of this configuration is ready. For containers and scripts: quick and silent when well.

import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
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
      const places =
        typeof given === 'string' ? [{ base: given, isOwn: false }] : placesOf(configOf(io, options).config)
      await healthcheck(io, places, Number(options['timeoutMs']))
    })
  addConfigFlags(command)
}

async function healthcheck(io: Io, places: readonly Place[], timeoutMs: number): Promise<void> {
  const faults: string[] = []
  for (const place of places) {
    const fault = await faultOf(place, timeoutMs)
    if (fault === null) return io.stdout.isTTY === true ? write(io.stdout, 'ready\n') : undefined
    faults.push(fault)
  }
  throw new AppError('internal', `not ready: ${faults.join('; ')}`)
}

interface Place {
  base: string
  /** Of this very configuration: its certificate need not name the loopback address. Nothing secret is sent. */
  isOwn: boolean
}

/** `null` when the server there is ready. */
async function faultOf({ base, isOwn }: Place, timeoutMs: number): Promise<string | null> {
  if (!URL.canParse('/readyz', base)) return `"${base}" is not an address such as http://localhost:8080`
  const url = new URL('/readyz', base)
  const get = url.protocol === 'https:' ? getHttps : getHttp
  try {
    const status = await new Promise<number>((resolve, reject) => {
      const options = { signal: AbortSignal.timeout(timeoutMs), rejectUnauthorized: !isOwn }
      get(url, options, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      }).on('error', reject)
    })
    return status === 200 ? null : `${url.href} answers ${status}`
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'AbortError'
    return `${url.origin}: ${isLate ? 'no answer in time' : fetchFault(new Error('request', { cause: error }))}`
  }
}

/**
 * Where this machine reaches the configured listener. One for every address answers on loopback as well, and with a
 * demo account loopback is all there is, whatever is configured.
 */
function placesOf({ http }: Config): Place[] {
  const scheme = http.cert_file === '' ? 'http' : 'https'
  const hosts = ['127.0.0.1']
  if (!['', '0.0.0.0', '::', '127.0.0.1'].includes(http.host)) {
    hosts.unshift(http.host.includes(':') ? `[${http.host}]` : http.host)
  }
  return hosts.map((host) => ({ base: `${scheme}://${host}:${http.port}`, isOwn: true }))
}
