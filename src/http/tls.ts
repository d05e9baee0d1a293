// HTTPS: certificate and key from files that are read again when they change. Connections that are open stay, new ones get
// the new certificate.

import type { Server, ServerOptions } from 'node:https'
import { createSecureContext, type SecureContextOptions, type Server as TlsServer } from 'node:tls'
import { watchFiles } from '../auth/watch.ts'
import type { Config } from '../config/schema.ts'
import { AppError, asAppError } from '../domain/errors.ts'
import type { Log } from '../ops/log.ts'
import { checkContext, readPem } from '../ops/pem.ts'

export interface Https {
  options: ServerOptions
  /** Reads the files again and has `server` use them; a broken one keeps the old and throws `bad_config`. */
  reload(server: Pick<TlsServer, 'setSecureContext'>): void
  /** Does so whenever they change. */
  watch(server: Pick<Server, 'setSecureContext'>, log: Log): { close(): void }
}

/** `null` without a certificate. Throws `bad_config` when a file cannot be read or holds no certificate or key. */
export function createHttps(config: Pick<Config['http'], 'cert_file' | 'key_file'>): Https | null {
  const { cert_file, key_file } = config
  if (cert_file === '' && key_file === '') return null
  if (cert_file === '' || key_file === '') {
    throw new AppError('bad_config', 'HTTPS needs both http.cert_file and http.key_file')
  }
  const read = (): SecureContextOptions => {
    const pair = { cert: readPem(cert_file), key: readPem(key_file), minVersion: 'TLSv1.2' as const }
    checkContext(pair, config)
    return pair
  }
  const first = read()
  let context = createSecureContext(first)
  const reload: Https['reload'] = (server) => {
    const next = read()
    context = createSecureContext(next)
    server.setSecureContext(next)
  }
  return {
    // A name may resolve to two addresses with a server each; all of them ask here.
    options: { ...first, SNICallback: (_name, done) => done(null, context) },
    reload,
    watch: (server, log) =>
      watchFiles([cert_file, key_file], {
        log,
        onChange: () => {
          try {
            reload(server)
            log.info('certificate of HTTP read again')
          } catch (error) {
            log.error(`${asAppError(error).message}. The certificate read before stays in force.`)
          }
        },
      }),
  }
}
