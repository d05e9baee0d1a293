import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPasswordHash, type Hash, hashMethods, parseHash, verifyHash } from '../../src/auth/hash.ts'
import { bytes, vectors } from './files.ts'

const digest = Buffer.alloc(64).toString('base64')

function parsed(text: string): Hash {
  const hash = parseHash(text)
  if (typeof hash === 'string') throw new Error(hash)
  return hash
}

describe('hashes of other programs', () => {
  test.each(Object.entries(vectors))(
    '%s: the right password is right and another is not',
    async (_name, vector) => {
      const hash = parsed(vector.hash)
      expect(await verifyHash(hash, bytes(vector.password))).toBe(true)
      expect(await verifyHash(hash, bytes(`${vector.password} `))).toBe(false)
      expect(await verifyHash(hash, bytes(''))).toBe(false)
    },
  )
})

describe('own hashes', () => {
  test.each(hashMethods)('%s verifies what it hashed, with another salt each time', async (method) => {
    const first = await createPasswordHash(bytes('S3cret'), method)
    const second = await createPasswordHash(bytes('S3cret'), method)
    expect(first).not.toBe(second)
    expect(await verifyHash(parsed(first), bytes('S3cret'))).toBe(true)
    expect(await verifyHash(parsed(first), bytes('s3cret'))).toBe(false)
  })

  test('Argon2id is the default, with the costs of mosquitto_passwd 2.1', async () => {
    expect(await createPasswordHash(bytes('x'))).toMatch(/^\$argon2id\$v=19\$m=47104,t=1,p=1\$/)
  })

  test('any bytes are a password', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 200 }),
        async (one, other) => {
          const hash = parsed(await createPasswordHash(one, 'sha512'))
          expect(await verifyHash(hash, one)).toBe(true)
          expect(await verifyHash(hash, other)).toBe(Buffer.from(one).equals(other))
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('what is no hash', () => {
  test.each([
    ['$2b$10$abcdefghijklmnopqrstuv', 'not known'],
    ['$5$salt$hash', 'not known'],
    ['$7$101$c2FsdA==$aGFzaA==', '64 bytes'],
    [`$7$0$c2FsdA==$${digest}`, 'iterations'],
    [`$7$99999999$c2FsdA==$${digest}`, 'iterations'],
    [`$7$-1$c2FsdA==$${digest}`, 'iterations'],
    [`$7$101$c2FsdA$${digest}`, 'base64'],
    [`$7$101$$${digest}`, 'base64'],
    [`$7$101$c2FsdA==$${digest}$x`, 'base64'],
    [`$6$c2FsdA==$aGFzaA==`, '64 bytes'],
    [`$6$c2F*dA==$${digest}`, 'base64'],
    [`$6$${digest}`, 'base64'],
    ['$argon2id$v=19$m=65536,t=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', '$argon2id$v=19'],
    [
      '$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
      'm up to',
    ],
    ['$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 't up to'],
    ['$argon2id$v=19$m=8,t=1,p=4$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', '8 × p'],
  ])('%s is refused with the reason', (text, reason) => {
    expect(parseHash(text)).toEqual(expect.stringContaining(reason))
  })

  test('text that only begins with $ is a plain password', () => {
    expect(parseHash('$ecret')).toEqual({ kind: 'plain', text: '$ecret' })
  })

  test('no text makes the parser throw, and what it accepts can be checked', async () => {
    const piece = fc.constantFrom(
      '$',
      '7',
      '6',
      'argon2id',
      '101',
      'c2FsdA==',
      digest,
      '=',
      'x',
      'v=19',
      'm=8,t=1,p=1',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 10 }), async (pieces) => {
        const hash = parseHash(pieces.join(''))
        if (typeof hash !== 'string') expect(await verifyHash(hash, bytes('?'))).toBe(false)
      }),
    )
  })
})
