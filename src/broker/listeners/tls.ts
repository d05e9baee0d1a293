// TLS of a listener: certificates from files, more of them by the name a client asks for, client certificates as user names.
// Files are read again when they change; connections that are open stay, new ones get the new certificate.

import type { Socket } from 'node:net'
import {
  createSecureContext,
  createServer,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls'
import type { ListenerConfig } from '../../config/listener.ts'
import { AppError } from '../../domain/errors.ts'
import { checkContext, type Pair, readAuthorities, readPem, readRevocationLists } from '../../ops/pem.ts'

export interface TlsServer {
  /** Hand it connections with `emit('connection', socket)`. It listens nowhere itself. */
  server: Server
  files: readonly string[]
  /** Throws `bad_config` and keeps what is in force. */
  reload(): void
}

/** Throws `bad_config` when a file cannot be read or holds no certificate or key. */
export function createTlsServer(config: ListenerConfig, timeoutMs: number): TlsServer {
  checkClientCertificates(config)
  let named = readNamed(config)
  const server = createServer({
    ...contextOptions(config, config),
    handshakeTimeout: timeoutMs,
    requestCert: config.ca_file !== '',
    rejectUnauthorized: config.require_certificate,
    SNICallback: (name, done) => done(null, named.find((entry) => covers(entry.name, name))?.context),
  })
  return {
    server,
    files: [config, ...config.sni]
      .flatMap(({ cert_file, key_file }) => [cert_file, key_file])
      .concat(config.ca_file, config.crl_file)
      .filter((file) => file !== ''),
    reload() {
      const options = contextOptions(config, config)
      const renamed = readNamed(config)
      server.setSecureContext(options)
      named = renamed
    },
  }
}

/** The user name a client certificate gives, or `null` when there is none that was checked. */
export function certificateName(socket: TLSSocket, from: ListenerConfig['username_from']): string | null {
  if (from === 'connect' || !socket.authorized) return null
  const { subject } = socket.getPeerCertificate()
  if (subject === undefined) return null
  return from === 'common_name' ? onlyName(subject) : distinguishedName(subject)
}

/** The connection TLS was begun on. Node keeps it as `_parent`, and nothing public names it. */
export function rawSocketOf(socket: TLSSocket): Socket | undefined {
  return (socket as unknown as { _parent?: Socket })._parent
}

type Subject = PeerCertificate['subject']

/** A certificate with several common names does not say which of them is the user. */
function onlyName(subject: Subject): string | null {
  const name: unknown = subject.CN
  return typeof name === 'string' && name !== '' ? name : null
}

/** As RFC 2253 writes it: last part first, `CN=…,O=…`. */
function distinguishedName(subject: Subject): string {
  return Object.entries(subject as unknown as Record<string, string | string[]>)
    .flatMap(([key, value]) => [value].flat().map((text) => `${key}=${escapeName(text)}`))
    .reverse()
    .join(',')
}

function escapeName(text: string): string {
  return text.replaceAll(/[,+"\\<>;=]/g, (sign) => `\\${sign}`).replace(/^(?=[# ])|(?= $)/g, '\\')
}

function checkClientCertificates(config: ListenerConfig): void {
  const place = `listener on port ${config.port}`
  if (config.key_file === '') throw new AppError('bad_config', `${place}: cert_file needs a key_file`)
  if (config.require_certificate && config.ca_file === '') {
    throw new AppError('bad_config', `${place}: require_certificate needs a ca_file with the authorities`)
  }
  if (config.username_from !== 'connect' && !config.require_certificate) {
    throw new AppError(
      'bad_config',
      `${place}: username_from ${config.username_from} needs require_certificate, or anybody could come without`,
    )
  }
}

function contextOptions(config: ListenerConfig, { cert_file, key_file }: Pair): SecureContextOptions {
  const options: SecureContextOptions = {
    cert: readPem(cert_file),
    key: readPem(key_file),
    minVersion: config.tls_version_min === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    honorCipherOrder: true,
  }
  if (config.ca_file !== '') options.ca = readAuthorities(config.ca_file)
  if (config.crl_file !== '') options.crl = readRevocationLists(config.crl_file)
  if (config.ciphers !== '') options.ciphers = config.ciphers
  checkContext(options, { cert_file, key_file })
  return options
}

function readNamed(config: ListenerConfig): { name: string; context: SecureContext }[] {
  return config.sni.map((entry) => ({
    name: entry.server_name.toLowerCase(),
    context: createSecureContext(contextOptions(config, entry)),
  }))
}

/** `*.example.org` covers one level below [RFC 6125, 6.4.3]. */
function covers(pattern: string, name: string): boolean {
  const asked = name.toLowerCase()
  if (!pattern.startsWith('*.')) return pattern === asked
  const dot = asked.indexOf('.')
  return dot > 0 && asked.slice(dot) === pattern.slice(1)
}
