// Whether a name and a password belong together. A verified pair is remembered under a hash keyed by a random key
// of this process, so that a reconnect costs microseconds; equal checks under way are made once; an unknown name
// costs as much as a wrong password.

import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Gate } from './gate.ts'
import { type Hash, verifyHash } from './hash.ts'
import type { Account } from './passwordFile.ts'

export interface Credentials {
  /** The account when the password is its own, else `null`. */
  check(accounts: ReadonlyMap<string, Account>, name: string, password: Uint8Array): Promise<Account | null>
  /** Forgets what was verified for names that are gone or have another hash. */
  keepOnly(accounts: ReadonlyMap<string, Account>): void
}

interface Verified {
  hash: string
  tag: Buffer
}

/** `verify` is a dependency so that a test can count the checks. */
export function createCredentials({
  gate,
  verify = verifyHash,
}: {
  gate: Gate
  verify?: (hash: Hash, password: Uint8Array) => Promise<boolean>
}): Credentials {
  const key = randomBytes(32)
  // One entry a name, since one password is right for it: bounded by the password file.
  const verified = new Map<string, Verified>()
  const underWay = new Map<string, Promise<boolean>>()
  let decoys: { of: ReadonlyMap<string, Account>; hashes: Hash[] } | null = null

  /** The hash an unknown name is checked against: always the same for a name, and as costly as those in the file. */
  const decoyOf = (accounts: ReadonlyMap<string, Account>, name: string): Hash | undefined => {
    if (decoys?.of !== accounts) {
      decoys = { of: accounts, hashes: [...accounts.values()].map((account) => account.hash) }
    }
    const { hashes } = decoys
    return hashes[
      createHmac('sha256', key).update(name).digest().readUInt32BE(0) % Math.max(1, hashes.length)
    ]
  }

  const verifyOnce = (hash: Hash, tag: Buffer, password: Uint8Array): Promise<boolean> => {
    const id = `${tag.toString('base64')}${hash.text}`
    const running = underWay.get(id)
    if (running) return running
    const check = gate.run(() => verify(hash, password)).finally(() => underWay.delete(id))
    underWay.set(id, check)
    return check
  }

  return {
    async check(accounts, name, password) {
      // Of bytes that begin with a secret key; the tag never leaves this process. In one call it costs a sixth of an HMAC.
      const tag = hash(
        'sha256',
        Buffer.concat([key, Buffer.from(`${Buffer.byteLength(name)}:${name}`), password]),
        'buffer',
      )
      const account = accounts.get(name)
      const wanted = account?.hash ?? decoyOf(accounts, name)
      if (wanted === undefined) return null
      const known = verified.get(name)
      if (account && known && known.hash === wanted.text && timingSafeEqual(known.tag, tag)) return account
      const right = await verifyOnce(wanted, tag, password)
      if (!account || !right) return null
      verified.set(name, { hash: wanted.text, tag })
      return account
    },
    keepOnly(accounts) {
      for (const [name, { hash }] of verified) {
        if (accounts.get(name)?.hash.text !== hash) verified.delete(name)
      }
    },
  }
}
