import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { verifyHash } from '../../src/auth/hash.ts'
import { parsePasswordFile } from '../../src/auth/passwordFile.ts'
import { amber } from './io.ts'

let file: string
beforeEach(() => {
  const directory = mkdtempSync(join(tmpdir(), 'amber-passwd-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  file = join(directory, 'passwd')
})

const names = (): string[] => [...parsePasswordFile(readFileSync(file, 'utf8'), file).keys()]
async function isPassword(name: string, password: string): Promise<boolean> {
  const hash = parsePasswordFile(readFileSync(file, 'utf8'), file).get(name)?.hash
  return hash !== undefined && hash.kind !== 'plain' && verifyHash(hash, Buffer.from(password))
}

describe('flags of mosquitto_passwd', () => {
  test('-c -b makes a file of mode 0600, and overwrites one', async () => {
    writeFileSync(file, 'old:x\n')
    expect((await amber(['passwd', '-c', '-b', file, 'ann', 'S3cret'])).code).toBe(0)
    expect(names()).toEqual(['ann'])
    expect(await isPassword('ann', 'S3cret')).toBe(true)
    rmSync(file)
    await amber(['passwd', '-bc', file, 'ann', 'S3cret'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('-b adds and changes', async () => {
    writeFileSync(file, '# mine\nann:x\n')
    await amber(['passwd', '-b', file, 'bob', '1'])
    await amber(['passwd', '-b', file, 'ann', '2'])
    expect(names()).toEqual(['ann', 'bob'])
    expect(await isPassword('ann', '2')).toBe(true)
    expect(readFileSync(file, 'utf8')).toMatch(/^# mine\n/)
  })

  test('-D deletes, and says when there is nobody to delete', async () => {
    writeFileSync(file, 'ann:x\nbob:y\n')
    expect((await amber(['passwd', '-D', file, 'ann'])).code).toBe(0)
    expect(names()).toEqual(['bob'])
    const { code, err } = await amber(['passwd', '-D', file, 'ann'])
    expect([code, err]).toEqual([1, `amber: there is no user ann in ${file}\n`])
  })

  test('-U hashes what is plain, once', async () => {
    writeFileSync(file, 'ann:x\nuser bob y\n')
    expect((await amber(['passwd', '-U', file])).out).toBe('passwords hashed: 2\n')
    expect(await isPassword('bob', 'y')).toBe(true)
    const hashed = readFileSync(file, 'utf8')
    expect((await amber(['passwd', '-U', file])).out).toBe('every password is hashed already\n')
    expect(readFileSync(file, 'utf8')).toBe(hashed)
  })

  test.each([
    ['argon2id', '$argon2id$'],
    ['sha512-pbkdf2', '$7$'],
    ['sha512', '$6$'],
  ])('-H %s writes %s', async (method, prefix) => {
    await amber(['passwd', '-c', '-H', method, '-b', file, 'ann', 'x'])
    expect(readFileSync(file, 'utf8')).toContain(`ann:${prefix}`)
  })
})

describe('asking', () => {
  test('on a terminal it asks twice and shows nothing of the password', async () => {
    const { code, out, err } = await amber(['passwd', '-c', file, 'ann'], {
      terminal: true,
      input: 'S3cres\u007ft\rS3cret\r',
    })
    expect([code, out, err]).toEqual([0, '', 'Password: \nReenter password: \n'])
    expect(await isPassword('ann', 'S3cret')).toBe(true)
  })

  test.each([
    ['two that differ', 'one\rtwo\r', /the two passwords differ; nothing was changed/],
    ['an empty one', '\r', /the password is empty; nothing was changed/],
    ['Ctrl+C', 'on\u0003', /stopped; nothing was changed/],
  ])('%s change nothing', async (_name, input, message) => {
    writeFileSync(file, 'ann:x\n')
    const { code, err } = await amber(['passwd', file, 'ann'], { terminal: true, input })
    expect(code).toBe(1)
    expect(err).toMatch(message)
    expect(readFileSync(file, 'utf8')).toBe('ann:x\n')
  })

  test('from a pipe the first line is the password', async () => {
    const { code } = await amber(['passwd', '-c', file, 'ann'], { input: 'pä ss\r\nmore\n' })
    expect(code).toBe(0)
    expect(await isPassword('ann', 'pä ss')).toBe(true)
  })
})

describe('refused', () => {
  test.each([
    [['-b', 'ann:x', 'y'], 1, /contains ":"/],
    [['-b', '', 'y'], 1, /is empty/],
    [['-b', 'ann', ''], 1, /the password is empty/],
    [['-b', 'ann'], 2, /-b needs the password/],
    [['ann', 'y'], 2, /needs -b/],
    [[], 2, /name of the account is missing/],
    [['-c', '-D', 'ann'], 2, /-c and -D/],
    [['-U', 'ann'], 2, /-U takes the file alone/],
    [['-U', '-c'], 2, /-U cannot be combined/],
  ])('%j', async (args, expected, message) => {
    writeFileSync(file, 'bob:x\n')
    const flags = args.filter((arg) => arg.startsWith('-'))
    const rest = args.filter((arg) => !arg.startsWith('-'))
    const { code, err } = await amber(['passwd', ...flags, file, ...rest])
    expect(err).toMatch(message)
    expect(code).toBe(expected)
    expect(readFileSync(file, 'utf8')).toBe('bob:x\n')
  })

  test('a file that is not there, without -c', async () => {
    const { code, err } = await amber(['passwd', '-b', file, 'ann', 'x'])
    expect(code).toBe(1)
    expect(err).toMatch(/there is no such file; add -c to make it/)
    expect(existsSync(file)).toBe(false)
  })

  test('a file that is broken, so that nothing in it is lost', async () => {
    writeFileSync(file, 'bob\n')
    const { code, err } = await amber(['passwd', '-b', file, 'ann', 'x'])
    expect(code).toBe(1)
    expect(err).toMatch(/passwd:1: there is no ":"/)
    expect(readFileSync(file, 'utf8')).toBe('bob\n')
  })
})
