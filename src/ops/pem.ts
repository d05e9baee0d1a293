// Certificates and keys out of PEM files, for everything that speaks TLS. What is wrong with a file is said with its name.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { AppError } from '../domain/errors.ts'

/** A certificate, with those above it, and its private key. */
export interface Pair {
  cert_file: string
  key_file: string
}

/** Throws `bad_config` when the certificate and key of `options` do not belong together, or are none. */
export function checkContext(options: SecureContextOptions, { cert_file, key_file }: Pair): void {
  try {
    createSecureContext(options)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AppError('bad_config', `TLS cannot be set up with ${cert_file} and ${key_file}: ${why}`, {
      cause: error,
    })
  }
}

/** A PEM file, or every certificate in a directory. */
export function readAuthorities(path: string): Buffer[] {
  let isDirectory = false
  try {
    isDirectory = statSync(path).isDirectory()
  } catch {
    // What is wrong with it is said by the read below.
  }
  if (!isDirectory) return [readPem(path)]
  const files = readdirSync(path).filter((name) => /\.(pem|crt|cer|0)$/.test(name))
  if (files.length === 0) throw new AppError('bad_config', `${path} holds no certificates (.pem, .crt)`)
  return files.sort().map((name) => readPem(join(path, name)))
}

/** Every revocation list in a PEM file: TLS reads but the first of a text. Throws `bad_config` when there is none. */
export function readRevocationLists(path: string): string[] {
  const lists = readPem(path)
    .toString('latin1')
    .match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g)
  if (lists === null) throw new AppError('bad_config', `${path} holds no revocation list (BEGIN X509 CRL)`)
  return lists
}

export function readPem(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code
    const why =
      errno === 'ENOENT'
        ? 'there is no such file'
        : errno === 'EACCES'
          ? 'this user may not read it; change its owner or its mode'
          : String(error)
    throw new AppError('bad_config', `cannot read ${path}: ${why}`, { cause: error })
  }
}
