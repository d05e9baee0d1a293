// Password hashes as mosquitto_passwd writes them: `$7$` (PBKDF2), `$6$` (SHA-512), `$argon2id$`, and plain text.
// Nothing here runs long on the main loop; comparing takes the same time wherever two hashes differ.

import { createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { hash as argon2Hash, verify as argon2Verify } from '@node-rs/argon2'

export type Hash =
  | { kind: 'sha512-pbkdf2'; text: string; iterations: number; salt: Buffer; digest: Buffer }
  | { kind: 'sha512'; text: string; salt: Buffer; digest: Buffer }
  | { kind: 'argon2id'; text: string }
  | { kind: 'plain'; text: string }

/** What `-H` of mosquitto_passwd takes. */
export const hashMethods = ['argon2id', 'sha512-pbkdf2', 'sha512'] as const
export type HashMethod = (typeof hashMethods)[number]

// Costs a file may ask for: far above what any tool writes, far below what would stop the server.
const iterationsMax = 10_000_000
const argonMemoryKibMax = 1_048_576
const argonTimeMax = 100
const argonLanesMax = 64
const saltBytesMax = 1024
const digestBytes = 64

const pbkdf2Async = promisify(pbkdf2)

/** Reads what stands behind the name; a string says why it is no hash that can be checked. Never throws. */
export function parseHash(text: string): Hash | string {
  if (!/^\$[A-Za-z0-9-]+\$/.test(text)) return { kind: 'plain', text }
  const parts = text.split('$')
  if (parts[1] === '7') return parsePbkdf2(text, parts)
  if (parts[1] === '6') return parseSha512(text, parts)
  if (parts[1] === 'argon2id') return parseArgon2(text)
  return `the hash format $${parts[1] ?? ''}$ is not known; known are $7$, $6$ and $argon2id$`
}

/** Whether `password` is the one behind `hash`. */
export async function verifyHash(hash: Hash, password: Uint8Array): Promise<boolean> {
  switch (hash.kind) {
    case 'sha512-pbkdf2': {
      const digest = await pbkdf2Async(password, hash.salt, hash.iterations, digestBytes, 'sha512')
      return timingSafeEqual(digest, hash.digest)
    }
    case 'sha512':
      return timingSafeEqual(sha512(password, hash.salt), hash.digest)
    case 'argon2id':
      return argon2Verify(hash.text, password)
    case 'plain':
      // Digests have one length, so that the comparison tells nothing of the password's.
      return timingSafeEqual(sha512(password), sha512(Buffer.from(hash.text)))
  }
}

/** Hashes a password with the costs of mosquitto_passwd 2.1. */
export async function createPasswordHash(
  password: Uint8Array,
  method: HashMethod = 'argon2id',
): Promise<string> {
  switch (method) {
    case 'argon2id':
      // Algorithm 2 is Argon2id; the library's enum is ambient and cannot be named in isolated modules.
      return argon2Hash(password, { algorithm: 2, memoryCost: 47_104, timeCost: 1, parallelism: 1 })
    case 'sha512-pbkdf2': {
      // 12 bytes, as 2.0 writes: its broker refuses any other length, 2.1 takes both.
      const salt = randomBytes(12)
      const digest = await pbkdf2Async(password, salt, 1000, digestBytes, 'sha512')
      return `$7$1000$${salt.toString('base64')}$${digest.toString('base64')}`
    }
    case 'sha512': {
      const salt = randomBytes(12)
      return `$6$${salt.toString('base64')}$${sha512(password, salt).toString('base64')}`
    }
  }
}

function sha512(password: Uint8Array, salt?: Buffer): Buffer {
  const digest = createHash('sha512').update(password)
  return (salt ? digest.update(salt) : digest).digest()
}

function parsePbkdf2(text: string, parts: string[]): Hash | string {
  const [, , count = '', saltText = '', digestText = ''] = parts
  const iterations = /^\d{1,9}$/.test(count) ? Number(count) : 0
  const salt = decodeBase64(saltText)
  const digest = decodeBase64(digestText)
  if (parts.length !== 5 || !salt || !digest) return 'a $7$ hash is $7$iterations$salt$hash in base64'
  if (iterations < 1 || iterations > iterationsMax) return `a $7$ hash has 1 to ${iterationsMax} iterations`
  if (salt.length > saltBytesMax) return `a salt has at most ${saltBytesMax} bytes`
  if (digest.length !== digestBytes) return `a $7$ hash has ${digestBytes} bytes; this one is cut`
  return { kind: 'sha512-pbkdf2', text, iterations, salt, digest }
}

function parseSha512(text: string, parts: string[]): Hash | string {
  const [, , saltText = '', digestText = ''] = parts
  const salt = decodeBase64(saltText)
  const digest = decodeBase64(digestText)
  if (parts.length !== 4 || !salt || !digest) return 'a $6$ hash is $6$salt$hash in base64'
  if (salt.length > saltBytesMax) return `a salt has at most ${saltBytesMax} bytes`
  if (digest.length !== digestBytes) return `a $6$ hash has ${digestBytes} bytes; this one is cut`
  return { kind: 'sha512', text, salt, digest }
}

function parseArgon2(text: string): Hash | string {
  const found =
    /^\$argon2id\$v=19\$m=(\d{1,10}),t=(\d{1,5}),p=(\d{1,5})\$([A-Za-z0-9+/]{11,})\$([A-Za-z0-9+/]{16,})$/.exec(
      text,
    )
  if (!found) return 'an Argon2 hash is $argon2id$v=19$m=…,t=…,p=…$salt$hash'
  const [memory, time, lanes] = [Number(found[1]), Number(found[2]), Number(found[3])]
  if (memory > argonMemoryKibMax || time > argonTimeMax || lanes > argonLanesMax || time < 1 || lanes < 1) {
    return `an Argon2 hash may ask for m up to ${argonMemoryKibMax}, t up to ${argonTimeMax} and p up to ${argonLanesMax}`
  }
  if (memory < 8 * lanes) return 'an Argon2 hash has m of at least 8 × p'
  return { kind: 'argon2id', text }
}

/** Standard padded base64 and nothing else: Buffer.from alone would pass over rubbish in silence. */
function decodeBase64(text: string): Buffer | null {
  if (text === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}
