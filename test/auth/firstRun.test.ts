import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPasswordFile } from '../../src/auth/firstRun.ts'
import { openAuth } from '../../src/auth/open.ts'
import { createLog } from '../../src/ops/log.ts'

const log = createLog({ level: 'silent', format: 'json' })
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'amber-first-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('the first start makes an admin whose random password lets in, in a file only its owner reads', async () => {
  const file = join(directory, 'config', 'passwd')
  const account = await createPasswordFile(file)
  expect(account?.password).toMatch(/^[\w-]{20}$/)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).not.toContain(account?.password)
  const auth = await openAuth(
    {
      password_file: file,
      acl_file: '',
      allow_anonymous: false,
      trust_user_names: false,
      admins: ['admin'],
    },
    { log, concurrency: 1 },
  )
  expect((await auth.authenticate('admin', Buffer.from(account?.password ?? '')))?.name).toBe('admin')
  await auth.close()
})

test('a password file that is there stays as it is', async () => {
  const file = join(directory, 'passwd')
  writeFileSync(file, 'me:mine\n')
  expect(await createPasswordFile(file)).toBeNull()
  expect(readFileSync(file, 'utf8')).toBe('me:mine\n')
})

test('two first starts make two passwords', async () => {
  const one = await createPasswordFile(join(directory, 'one'))
  const two = await createPasswordFile(join(directory, 'two'))
  expect(one?.password).not.toBe(two?.password)
})

test('a place that cannot be written is named in the error', async () => {
  await expect(createPasswordFile('/proc/amber/passwd')).rejects.toMatchObject({
    code: 'bad_password_file',
    message: expect.stringContaining('/proc/amber/passwd'),
  })
})
