import { appendFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pino from 'pino'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createPasswordHash } from '../../src/auth/hash.ts'
import { openAuth } from '../../src/auth/open.ts'
import { authFiles, bytes, vectors } from './files.ts'

const log = pino({ level: 'silent' })

async function opened(config: Awaited<ReturnType<typeof authFiles>>) {
  const lines: string[] = []
  const memory = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const auth = await openAuth(config, { log: memory, concurrency: 2 })
  onTestFinished(() => auth.close())
  return { auth, lines }
}

const ann = `ann:${vectors.pbkdf2.hash}\n`
const annsPassword = bytes(vectors.pbkdf2.password)

describe('who gets in', () => {
  test('a user with the right password, as a user and no admin', async () => {
    const { auth } = await opened(await authFiles(ann))
    expect(await auth.authenticate('ann', annsPassword)).toMatchObject({
      kind: 'user',
      name: 'ann',
      admin: false,
    })
  })

  test('nobody with a wrong password, without one, by an unknown name or anonymously', async () => {
    const { auth } = await opened(await authFiles(ann))
    expect(await auth.authenticate('ann', bytes('wrong'))).toBeNull()
    expect(await auth.authenticate('ann', undefined)).toBeNull()
    expect(await auth.authenticate('', annsPassword)).toBeNull()
    expect(await auth.authenticate('bob', annsPassword)).toBeNull()
    expect(await auth.authenticate(undefined, undefined)).toBeNull()
  })

  test('nobody with an empty password, also when the file has a hash of it, as in Mosquitto', async () => {
    const empty =
      '$6$o+53eGXtmlfHeYrg$FY7X9DNQ4uU1j0NiPmGOOSU05ZSzhqNmNhXIof/0nLpVb1zDhcRHdaC72E3YryH7dtTiG/r6jH6C8J+30cZBgA=='
    const { auth } = await opened(await authFiles(`ann:${empty}\n`))
    expect(await auth.authenticate('ann', bytes(''))).toBeNull()
  })

  test('admins are those that are configured', async () => {
    const { auth } = await opened({ ...(await authFiles(ann)), admins: ['ann'] })
    expect((await auth.authenticate('ann', annsPassword))?.admin).toBe(true)
  })

  test('anonymous clients when that is configured, and a wrong password does not make one of them', async () => {
    const { auth } = await opened({ ...(await authFiles(ann)), allow_anonymous: true })
    expect(await auth.authenticate(undefined, undefined)).toMatchObject({
      kind: 'anonymous',
      name: null,
      admin: false,
    })
    expect(await auth.authenticate('ann', bytes('wrong'))).toBeNull()
  })

  test('where there is no password file and anonymous clients are let in, any user name comes in as nobody', async () => {
    const config = { ...(await authFiles(ann)), password_file: '', allow_anonymous: true }
    const { auth } = await opened(config)
    for (const password of [bytes('whatever'), undefined]) {
      expect(await auth.authenticate('ann', password)).toMatchObject({ kind: 'anonymous', name: null })
    }
  })

  test('with trust_user_names such a user has the rights of the name, is no admin, and stays while all get in', async () => {
    const files = await authFiles(ann, 'topic read open\nuser ann\ntopic readwrite hers\n')
    const config = { ...files, password_file: '', allow_anonymous: true, admins: ['ann'] }
    const { auth } = await opened({ ...config, trust_user_names: true })
    const claimed = await auth.authenticate('ann', undefined)
    expect(claimed).toMatchObject({ kind: 'anonymous', name: 'ann', admin: false })
    expect([claimed?.mayWrite('hers'), claimed?.mayRead('open')]).toEqual([true, false])
    expect(claimed && auth.stillHolds(claimed)).toBe(true)
    expect(auth.mayPublish('ann', 'hers', '')).toBe(true)
    const nobody = await auth.authenticate(undefined, undefined)
    expect([nobody?.name, nobody?.mayWrite('hers'), nobody?.mayRead('open')]).toEqual([null, false, true])
  })

  test('where there is a password file, trust_user_names lets nobody in without a password', async () => {
    const { auth } = await opened({
      ...(await authFiles(ann)),
      allow_anonymous: true,
      trust_user_names: true,
    })
    expect(await auth.authenticate('ann', bytes('wrong'))).toBeNull()
    expect(await auth.authenticate('bob', undefined)).toBeNull()
  })

  test('plain and old lines get in, each form with one warning', async () => {
    const { auth } = await opened(await authFiles('bob:plain\nuser cy 1 2 3'))
    expect((await auth.authenticate('bob', bytes('plain')))?.name).toBe('bob')
    expect((await auth.authenticate('cy', bytes('1 2 3')))?.name).toBe('cy')
    expect(auth.warnings).toHaveLength(2)
    expect(auth.warnings.every((warning) => warning.includes('amber passwd -U'))).toBe(true)
  })
})

describe('at the start', () => {
  test('no file and no anonymous clients is an error that gives both commands', async () => {
    const config = await authFiles(ann)
    await rm(config.password_file)
    const start = openAuth(config, { log, concurrency: 1 })
    await expect(start).rejects.toMatchObject({ code: 'bad_password_file' })
    await expect(start).rejects.toThrow(/amber passwd -c .*passwd NAME.*amber serve --auth\.allow_anonymous/)
  })

  test.each(['', '# nobody\n'])('an account-less file %j is the same error', async (text) => {
    await expect(openAuth(await authFiles(text), { log, concurrency: 1 })).rejects.toThrow(/holds no account/)
  })

  test('a directory in place of the file is said to be one', async () => {
    const config = await authFiles(ann)
    const start = openAuth({ ...config, password_file: config.directory }, { log, concurrency: 1 })
    await expect(start).rejects.toThrow(/it is a directory/)
  })

  test('an ACL file that is not there is an error, never an open door', async () => {
    const config = await authFiles(ann)
    const start = openAuth({ ...config, acl_file: join(config.directory, 'none') }, { log, concurrency: 1 })
    await expect(start).rejects.toMatchObject({ code: 'bad_acl_file' })
  })

  test('no file on purpose lets nobody in by password, and is a warning', async () => {
    const { auth } = await opened({ ...(await authFiles(ann)), password_file: '' })
    expect(await auth.authenticate('ann', annsPassword)).toBeNull()
    expect(await auth.authenticate(undefined, undefined)).toBeNull()
    expect(await auth.authenticateCertified('ann')).toMatchObject({ name: 'ann' })
    expect(auth.warnings).toMatchObject([expect.stringMatching(/only client certificates and tokens get in/)])
  })

  test('a missing file with anonymous clients allowed is a warning', async () => {
    const config = await authFiles(ann)
    await rm(config.password_file)
    const { auth } = await opened({ ...config, allow_anonymous: true })
    expect(auth.warnings[0]).toMatch(/there is no password file/)
  })
})

describe('the demo account', () => {
  const published = bytes('12345678')

  test.each(['argon2id', 'sha512-pbkdf2', 'sha512'] as const)('is found behind a %s hash', async (method) => {
    const { auth } = await opened(await authFiles(`admin:${await createPasswordHash(published, method)}`))
    expect(auth.demoAccounts).toEqual(['admin'])
    expect(auth.warnings.join()).toMatch(/listen on 127\.0\.0\.1 only.*amber passwd .* admin/)
  })

  test('with another password is no demo account', async () => {
    const { auth } = await opened(
      await authFiles(`admin:${await createPasswordHash(bytes('other'), 'sha512')}`),
    )
    expect(auth.demoAccounts).toEqual([])
  })

  test('is gone after a reload with another password', async () => {
    const config = await authFiles('user admin 12345678')
    const { auth } = await opened(config)
    expect(auth.demoAccounts).toEqual(['admin'])
    await writeFile(config.password_file, 'admin:other')
    await auth.reload()
    expect(auth.demoAccounts).toEqual([])
    expect(auth.warnings.join()).not.toMatch(/demo/)
  })

  test('is told when it comes with a reload', async () => {
    const config = await authFiles(ann)
    const { auth } = await opened(config)
    await writeFile(config.password_file, 'admin:12345678')
    await auth.reload()
    expect(auth.demoAccounts).toEqual(['admin'])
  })
})

describe('what they may do', () => {
  const acl = 'user ann\ntopic read a/#\n'

  test('everything without an ACL file', async () => {
    const { auth } = await opened(await authFiles(ann))
    const principal = await auth.authenticate('ann', annsPassword)
    expect(principal?.mayRead('x')).toBe(true)
    expect(principal?.mayWrite('x')).toBe(true)
  })

  test('what the ACL file says, and what it says later for those already in', async () => {
    const config = await authFiles(ann, acl)
    const { auth } = await opened(config)
    const principal = await auth.authenticate('ann', annsPassword)
    expect([principal?.mayRead('a/b'), principal?.mayWrite('a/b')]).toEqual([true, false])
    await writeFile(config.acl_file, 'user ann\ntopic write a/#\n')
    await auth.reload()
    expect([principal?.mayRead('a/b'), principal?.mayWrite('a/b')]).toEqual([false, true])
    expect(auth.stillHolds(principal as never)).toBe(true)
  })
})

describe('reload', () => {
  test('a principal holds while user and hash are the same', async () => {
    const config = await authFiles(ann)
    const { auth } = await opened(config)
    const principal = (await auth.authenticate('ann', annsPassword)) as NonNullable<
      Awaited<ReturnType<typeof auth.authenticate>>
    >
    const changed = vi.fn()
    auth.onChange(changed)
    await writeFile(config.password_file, `bob:x\n${ann}`)
    await auth.reload()
    expect(auth.stillHolds(principal)).toBe(true)
    await writeFile(config.password_file, 'ann:x')
    await auth.reload()
    expect(auth.stillHolds(principal)).toBe(false)
    await writeFile(config.password_file, 'bob:x')
    await auth.reload()
    expect(auth.stillHolds(principal)).toBe(false)
    expect(changed).toHaveBeenCalledTimes(3)
  })

  test('without a change tells nobody', async () => {
    const { auth } = await opened(await authFiles(ann))
    const changed = vi.fn()
    auth.onChange(changed)
    await auth.reload()
    expect(changed).not.toHaveBeenCalled()
  })

  test.each([
    ['a broken file', 'ann'],
    ['an empty file', ''],
  ])('%s keeps the old accounts and says why', async (_name, text) => {
    const config = await authFiles(ann)
    const { auth } = await opened(config)
    await writeFile(config.password_file, text)
    await expect(auth.reload()).rejects.toMatchObject({ code: 'bad_password_file' })
    expect(await auth.authenticate('ann', annsPassword)).not.toBeNull()
  })

  test('a broken ACL file keeps the old rules, and a user deleted at the same time is out all the same', async () => {
    const config = await authFiles(`${ann}bob:x`, 'user bob\ntopic read a\n')
    const { auth } = await opened(config)
    const bob = await auth.authenticate('bob', bytes('x'))
    await writeFile(config.acl_file, 'nonsense')
    await writeFile(config.password_file, 'bob:x')
    await expect(auth.reload()).rejects.toMatchObject({ code: 'bad_acl_file' })
    expect(bob?.mayRead('a')).toBe(true)
    expect(await auth.authenticate('ann', annsPassword)).toBeNull()
  })
})

describe('a change on the disk takes effect by itself', () => {
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    const end = Date.now() + 15_000
    while (!(await condition())) {
      if (Date.now() > end) throw new Error('it never happened')
      await wait(20)
    }
  }

  test('when the file is written in place', async () => {
    const config = await authFiles(ann)
    const { auth } = await opened(config)
    await appendFile(config.password_file, 'bob:x\n')
    await until(async () => (await auth.authenticate('bob', bytes('x'))) !== null)
  })

  test('when an editor replaces the file by a rename, again and again', async () => {
    const config = await authFiles(ann)
    const { auth } = await opened(config)
    for (const name of ['bob', 'cy', 'dan']) {
      await writeFile(`${config.password_file}.new`, `${name}:x\n`)
      await rename(`${config.password_file}.new`, config.password_file)
      await until(async () => (await auth.authenticate(name, bytes('x'))) !== null)
    }
  })

  test('and a broken file is logged with its line while the old accounts stay', async () => {
    const config = await authFiles(ann)
    const { auth, lines } = await opened(config)
    await writeFile(config.password_file, 'ok:x\nbroken\n')
    await until(() => lines.some((line) => line.includes('passwd:2: ') && line.includes('stays in force')))
    expect(await auth.authenticate('ann', annsPassword)).not.toBeNull()
  })
}, 30_000)
