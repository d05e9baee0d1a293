import { describe, expect, test } from 'vitest'
import { createCredentials } from '../../src/auth/credentials.ts'
import { createGate } from '../../src/auth/gate.ts'
import { type Hash, verifyHash } from '../../src/auth/hash.ts'
import { parsePasswordFile } from '../../src/auth/passwordFile.ts'
import { bytes, vectors } from './files.ts'

function counted() {
  const checked: Hash[] = []
  const credentials = createCredentials({
    gate: createGate({ concurrency: 2, waitingMax: 100 }),
    verify: (hash, password) => {
      checked.push(hash)
      return verifyHash(hash, password)
    },
  })
  return { credentials, checked }
}

const accounts = parsePasswordFile(`ann:${vectors.pbkdf2.hash}\nbob:${vectors.sha512.hash}`, 'passwd')
const right = bytes(vectors.pbkdf2.password)

describe('cost', () => {
  test('a verified password is checked once, however often it comes back', async () => {
    const { credentials, checked } = counted()
    for (let i = 0; i < 5; i++) expect((await credentials.check(accounts, 'ann', right))?.name).toBe('ann')
    expect(checked).toHaveLength(1)
  })

  test('equal checks at one time are made once', async () => {
    const { credentials, checked } = counted()
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => credentials.check(accounts, 'ann', right)),
    )
    expect(answers.every((account) => account?.name === 'ann')).toBe(true)
    expect(checked).toHaveLength(1)
  })

  test('a wrong password costs a full check each time, also after a right one', async () => {
    const { credentials, checked } = counted()
    await credentials.check(accounts, 'ann', right)
    expect(await credentials.check(accounts, 'ann', bytes('wrong'))).toBeNull()
    expect(await credentials.check(accounts, 'ann', bytes('wrong'))).toBeNull()
    expect(checked).toHaveLength(3)
  })

  test('an unknown name costs a check against one of the hashes in the file, always the same one', async () => {
    const { credentials, checked } = counted()
    expect(await credentials.check(accounts, 'nobody', right)).toBeNull()
    expect(await credentials.check(accounts, 'nobody', bytes(vectors.sha512.password))).toBeNull()
    expect(checked).toHaveLength(2)
    expect(checked[0]).toBe(checked[1])
    expect([...accounts.values()].map(({ hash }) => hash)).toContain(checked[0])
  })
})

describe('what was verified', () => {
  test('does not outlive a new hash for the name', async () => {
    const { credentials } = counted()
    await credentials.check(accounts, 'ann', right)
    const changed = parsePasswordFile('ann:other', 'passwd')
    expect(await credentials.check(changed, 'ann', right)).toBeNull()
    expect((await credentials.check(changed, 'ann', bytes('other')))?.name).toBe('ann')
  })

  test('is forgotten for a name that is gone', async () => {
    const { credentials, checked } = counted()
    await credentials.check(accounts, 'ann', right)
    credentials.keepOnly(parsePasswordFile('bob:x', 'passwd'))
    await credentials.check(accounts, 'ann', right)
    expect(checked).toHaveLength(2)
  })

  test('tells name and password apart where they meet', async () => {
    const { credentials } = counted()
    const file = parsePasswordFile('a:bc\nab:x', 'passwd')
    expect((await credentials.check(file, 'a', bytes('bc')))?.name).toBe('a')
    expect(await credentials.check(file, 'ab', bytes('c'))).toBeNull()
  })

  test('nobody gets in through an empty file', async () => {
    const { credentials } = counted()
    expect(await credentials.check(new Map(), 'ann', right)).toBeNull()
  })
})
