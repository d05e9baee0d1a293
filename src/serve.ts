// `amber serve`: starts the server, says on one small banner what listens where, and runs until a signal.

import { relative } from 'node:path'
import { type App, startApp } from './app.ts'
import { createPasswordFile } from './auth/firstRun.ts'
import type { ListenerInfo } from './broker/listeners/listeners.ts'
import type { ResolvedConfig } from './config/load.ts'
import { formatNotes } from './config/mosquitto/report.ts'
import type { Config } from './config/schema.ts'
import { AppError, asAppError } from './domain/errors.ts'
import { keepHeapSmall } from './ops/heap.ts'
import { createLog, type Log } from './ops/log.ts'
import { version } from './ops/version.ts'
import { reloadAll } from './reload.ts'

/** Resolves with the exit code once the server has stopped: 0 after a signal, 1 when it could not start. */
export async function serve(resolved: ResolvedConfig, reread: () => ResolvedConfig): Promise<number> {
  const { config, notes } = resolved
  if (config.store.memory === 'small') keepHeapSmall()
  const log = createLog(config.log)
  let app: App | null = null
  // Before anything is said: whoever reads the banner may send a signal at once.
  let inForce = config
  const signalled = untilSignal(async () => {
    if (app !== null) inForce = await reloadAll(inForce, { app, reread, log })
  }, log)
  if (notes.length > 0) process.stdout.write(`${formatNotes(notes)}\n`)
  try {
    await makeFirstAccount(config)
    app = await startApp(config, { log, program: command() })
  } catch (error) {
    const known = asAppError(error)
    log.fatal(known.message)
    if (!(error instanceof AppError))
      log.error({ err: error, stack: known.stack }, 'this is a fault in Amber')
    return 1
  }
  process.stdout.write(banner(app, config))
  for (const warning of app.warnings) log.warn(warning)
  for (const { file, line, keyword, outcome, message } of notes) {
    if (outcome === 'warning') log.warn(`${file}:${line}: ${keyword}: ${message}`)
  }
  await signalled
  await app.stop()
  log.info('stopped')
  return 0
}

/** Says the first account's password on standard output, once, and never through the log. */
async function makeFirstAccount({ auth }: Config): Promise<void> {
  if (!auth.create_password_file || auth.password_file === '') return
  const account = await createPasswordFile(auth.password_file)
  if (!account) return
  process.stdout.write(
    `The password file ${auth.password_file} is new. User ${account.name}, password ${account.password}\nThis is said once: write it down.\n\n`,
  )
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. SIGHUP reloads. */
function untilSignal(reload: () => Promise<void>, log: Log): Promise<void> {
  // One after the other: of two under way the older one could come last.
  let reloading = Promise.resolve()
  process.on('SIGHUP', () => {
    reloading = reloading.then(reload)
  })
  return new Promise((resolve) => {
    let signals = 0
    const onSignal = (signal: NodeJS.Signals): void => {
      signals++
      if (signals > 1) process.exit(128 + (signal === 'SIGINT' ? 2 : 15))
      log.info({ signal }, 'stopping; a second signal exits at once')
      resolve()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}

function banner(app: App, config: Config): string {
  const seconds = (process.uptime() * 1000).toFixed(0)
  const lines = [
    `Amber ${version} is ready in ${seconds} ms.`,
    '',
    ...app.listeners.map((listener) => `  MQTT       ${listenerPlace(listener)}`),
    `  HTTP       ${app.http.isSecure ? 'https' : 'http'}://${place(app.http)}   (open it in a browser; API reference at /docs)`,
    `  Data       ${app.dataPath}   (${app.status.readings} readings)`,
    `  Passwords  ${passwords(config.auth)}`,
    '',
    `  Next       ${[command(), 'pub', ...connection(app, config)].join(' ')} -t home/kitchen/temperature -m 21.5`,
    '',
  ]
  return `${lines.join('\n')}\n`
}

function passwords({ password_file: file, allow_anonymous: isOpen }: Config['auth']): string {
  if (file !== '') return file
  return `none: ${isOpen ? 'anonymous clients' : 'client certificates and tokens'} only`
}

/** Addresses a listener is reached at by the name localhost, which `pub` takes by itself. */
const nearby: ReadonlySet<string> = new Set(['', '0.0.0.0', '::', '127.0.0.1', '::1', 'localhost'])

/** The flags of `pub` that reach this server: a listener without encryption, when there is one. */
function connection({ listeners, auth }: App, config: Config): string[] {
  const tcp = listeners.filter(({ protocol, path }) => protocol === 'mqtt' && path === '')
  const listener = tcp.find(({ tls }) => !tls) ?? tcp[0]
  const flags: string[] = []
  if (listener?.tls) flags.push('--cafile', 'CA.pem')
  if (listener && !nearby.has(listener.address)) flags.push('-h', listener.address)
  if (listener && listener.port !== (listener.tls ? 8883 : 1883)) flags.push('-p', `${listener.port}`)
  if (auth.demoAccounts.length > 0) return [...flags, '-u', 'admin', '-P', '12345678']
  const isOpen = config.auth.password_file === '' && config.auth.allow_anonymous
  return isOpen ? flags : [...flags, '-u', 'USER', '-P', 'PASSWORD']
}

/** How this very program was started, so that the printed command works where it is pasted. */
function command(): string {
  const script = process.argv[1] ?? 'amber'
  return script.endsWith('.js') ? `node ${relative(process.cwd(), script)}` : 'amber'
}

function listenerPlace({ protocol, tls, path, address, port, name }: ListenerInfo): string {
  const scheme = protocol === 'mqtt' ? (tls ? 'mqtts' : 'mqtt') : tls ? 'wss' : 'ws'
  const where = path === '' ? `${scheme}://${place({ host: address, port })}` : `${scheme}+unix://${path}`
  return name === '' ? where : `${where}   (${name})`
}

function place({ host, port }: { host: string; port: number }): string {
  const name = host === '::' || host === '0.0.0.0' || host === '' ? 'localhost' : host
  return `${name.includes(':') ? `[${name}]` : name}:${port}`
}
