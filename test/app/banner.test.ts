// What the server prints when it is ready: the command under "Next" works as it stands, for whoever may log in.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { account, type Home, makeHome } from './server.ts'

let home: Home
beforeEach(() => {
  home = makeHome()
})
afterEach(() => home.remove())

const nextOf = (output: string): string[] => (/Next {3} +(.+)/.exec(output)?.[1] ?? '').split(' ')

test('the printed command publishes to the port the server listens on', async () => {
  const server = await home.start()
  const [node, ...command] = nextOf(server.output())
  expect(node).toBe('node')
  const filled = command.map((word) => ({ USER: account.username, PASSWORD: account.password })[word] ?? word)
  await promisify(execFile)(process.execPath, filled, { cwd: home.path })
  const answer = await server.request('/api/v1/latest?topic=home/kitchen/temperature')
  expect(await answer.json()).toMatchObject({ data: [{ value: 21.5 }] })
})

test('where anonymous clients alone get in it names no user', async () => {
  const server = await home.start(['--auth.password_file=', '--auth.allow_anonymous'])
  expect(server.output()).toMatch(/Passwords {2}none: anonymous clients only/)
  const [, ...command] = nextOf(server.output())
  expect(command).not.toContain('-u')
  await promisify(execFile)(process.execPath, command, { cwd: home.path })
})

test('without a password file and anonymous clients it says who gets in', async () => {
  const server = await home.start(['--auth.password_file='])
  expect(server.output()).toMatch(/Passwords {2}none: client certificates and tokens only/)
})
