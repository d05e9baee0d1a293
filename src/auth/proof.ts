// Ties a login that is kept for later to the credentials it was made with: a keyed hash, whose key only the holder of the
// login has. What is kept tells nothing about a password, and no longer fits once the credentials are others.

import { createHmac, timingSafeEqual } from 'node:crypto'

export function makeProof(key: Uint8Array, credentials: string): string {
  return createHmac('sha256', key).update(credentials).digest('hex')
}

export function fitsProof(key: Uint8Array, credentials: string, proof: string): boolean {
  const expected = Buffer.from(makeProof(key, credentials))
  const given = Buffer.from(proof)
  return expected.length === given.length && timingSafeEqual(expected, given)
}
