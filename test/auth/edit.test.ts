import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  checkName,
  deletePassword,
  hashPlainPasswords,
  readPasswordFile,
  setPassword,
  writePasswordFile,
} from '../../src/auth/edit.ts'
import { verifyHash } from '../../src/auth/hash.ts'
import { parsePasswordFile } from '../../src/auth/passwordFile.ts'
import { bytes, temporaryDirectory, vectors } from './files.ts'

describe('text', () => {
  test('a new user comes at the end, comments stay', () => {
    expect(setPassword('# mine\nann:x', 'passwd', 'bob', 'y')).toBe('# mine\nann:x\nbob:y\n')
    expect(setPassword('', 'passwd', 'bob', 'y')).toBe('bob:y\n')
  })

  test('a known user keeps the line, also one in the old form', () => {
    expect(setPassword('user ann 1\nbob:x\n', 'passwd', 'ann', 'y')).toBe('ann:y\nbob:x\n')
  })

  test('a deleted user leaves the others, and an unknown one is told', () => {
    expect(deletePassword('# mine\nann:x\nbob:y\n', 'passwd', 'ann')).toBe('# mine\nbob:y\n')
    expect(deletePassword('ann:x\n', 'passwd', 'ann')).toBe('')
    expect(deletePassword('ann:x\n', 'passwd', 'an')).toBeNull()
  })

  test('hashing touches the plain lines alone, and the passwords still work', async () => {
    const old = `# mine\nann:pl ain\nbob:${vectors.sha512.hash}\nuser cy 1 2\n`
    const { text, hashed } = await hashPlainPasswords(old, 'passwd', 'sha512-pbkdf2')
    expect(hashed).toBe(2)
    expect(text.split('\n')[2]).toBe(`bob:${vectors.sha512.hash}`)
    const accounts = parsePasswordFile(text, 'passwd')
    for (const [name, password] of [
      ['ann', 'pl ain'],
      ['cy', '1 2'],
    ] as const) {
      const hash = accounts.get(name)?.hash
      expect(hash?.kind).toBe('sha512-pbkdf2')
      expect(hash && (await verifyHash(hash, bytes(password)))).toBe(true)
    }
  })

  test.each(['', 'a:b', '#a', ' a', 'a ', 'a\nb', 'a\u0000', 'a\ud800', 'x'.repeat(70_000)])(
    'the name %j is refused',
    (name) => {
      expect(() => checkName(name)).toThrow(/user name .*choose another/)
    },
  )
})

describe('file', () => {
  test('a new one has mode 0600 and leaves nothing beside it', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'passwd')
    await writePasswordFile(path, 'ann:x\n')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(directory)).toEqual(['passwd'])
  })

  test('an old one keeps its mode', async () => {
    const path = join(await temporaryDirectory(), 'passwd')
    await writeFile(path, 'old')
    await chmod(path, 0o640)
    await writePasswordFile(path, 'new')
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect(await readFile(path, 'utf8')).toBe('new')
  })

  test('a symbolic link stays one', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'real'), 'old')
    await symlink('real', join(directory, 'passwd'))
    await writePasswordFile(join(directory, 'passwd'), 'new')
    expect(await readFile(join(directory, 'real'), 'utf8')).toBe('new')
  })

  test('what cannot be read or written is said in words', async () => {
    const directory = await temporaryDirectory()
    await mkdir(join(directory, 'folder'))
    await expect(readPasswordFile(join(directory, 'none'))).rejects.toThrow(/no such file; add -c/)
    await expect(readPasswordFile(join(directory, 'folder'))).rejects.toThrow(/is a directory/)
    await expect(writePasswordFile(join(directory, 'none', 'passwd'), '')).rejects.toThrow(
      /directory does not exist/,
    )
  })
})
