// Amber against the real mosquitto_passwd and mosquitto. Where they are not installed these tests cannot say anything:
// that is printed loudly, and the fixed vectors of hash.test.ts and aclCases.ts still hold.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { setPassword } from '../../src/auth/edit.ts'
import { createPasswordHash, hashMethods } from '../../src/auth/hash.ts'
import { openAuth } from '../../src/auth/open.ts'
import pino from 'pino'
import { aclCases, aclText } from './aclCases.ts'
import { authFiles, bytes, temporaryDirectory } from './files.ts'

const has = (program: string): boolean => spawnSync(program, ['--help']).error === undefined
const hasTool = has('mosquitto_passwd')
const hasBroker = has('mosquitto')
for (const [name, found] of [
  ['mosquitto_passwd', hasTool],
  ['mosquitto', hasBroker],
]) {
  if (!found) console.warn(`\n*** ${name} IS NOT INSTALLED: compatibility with it was NOT tested ***\n`)
}

const log = pino({ level: 'silent' })
const tool = (...args: string[]) =>
  execFileSync('mosquitto_passwd', args, { stdio: ['ignore', 'pipe', 'pipe'] })

describe.runIf(hasTool)('mosquitto_passwd', () => {
  test.each(['sha512', 'sha512-pbkdf2'])('what it writes with -H %s lets the user in', async (method) => {
    const config = await authFiles('')
    tool('-H', method, '-c', '-b', config.password_file, 'ann', 'pässwörd $7$')
    tool('-H', method, '-b', config.password_file, 'b o b', '1')
    const auth = await openAuth(config, { log, concurrency: 1 })
    onTestFinished(() => auth.close())
    expect((await auth.authenticate('ann', bytes('pässwörd $7$')))?.name).toBe('ann')
    expect((await auth.authenticate('b o b', bytes('1')))?.name).toBe('b o b')
    expect(await auth.authenticate('ann', bytes('pässwörd'))).toBeNull()
  })

  test('it edits a file that Amber wrote and leaves the other lines as they are', async () => {
    const { password_file } = await authFiles('')
    let text = ''
    for (const method of hashMethods) {
      text = setPassword(text, password_file, method, await createPasswordHash(bytes('S3cret'), method))
    }
    writeFileSync(password_file, text)
    tool('-b', password_file, 'new', '1')
    tool('-D', password_file, 'sha512')
    const lines = readFileSync(password_file, 'utf8').trim().split('\n')
    expect(lines.map((line) => line.split(':')[0])).toEqual(['argon2id', 'sha512-pbkdf2', 'new'])
    expect(lines[0]).toBe(text.split('\n')[0])
  })
})

describe.runIf(hasBroker)('mosquitto', () => {
  test.each(['sha512', 'sha512-pbkdf2'] as const)(
    'it lets a user in whom Amber hashed with %s',
    async (method) => {
      const passwords = setPassword('', 'passwd', 'ann', await createPasswordHash(bytes('S3cret'), method))
      const port = await startMosquitto({ passwords })
      const client = await connectAsync({ port, username: 'ann', password: 'S3cret', reconnectPeriod: 0 })
      await client.endAsync()
      await expect(
        connectAsync({ port, username: 'ann', password: 'other', reconnectPeriod: 0 }),
      ).rejects.toThrow()
    },
  )

  test('it decides about every case of the ACL table as Amber does', async () => {
    const names = [...new Set(aclCases.map(({ user }) => user).filter((user) => user !== null))]
    let passwords = setPassword('', 'passwd', 'judge', await createPasswordHash(bytes('x'), 'sha512'))
    for (const name of names) {
      passwords = setPassword(passwords, 'passwd', name, await createPasswordHash(bytes('x'), 'sha512'))
    }
    const port = await startMosquitto({ passwords, acl: `${aclText}\nuser judge\ntopic readwrite #\n` })
    const judge = await connectAs(port, 'judge', 'judge')
    for (const { user, clientId, topic, read, write } of aclCases) {
      const label = `${user} ${clientId} ${topic}`
      const client = await connectAs(port, user, clientId)
      const got: string[] = []
      client.on('message', (name) => void got.push(name))
      await client.subscribeAsync(topic, { qos: 1 })
      await judge.publishAsync(topic, 'x', { qos: 1 })
      // Mosquitto delivers before it answers what came later on the same connection.
      expect(await mayPublish(client, topic), `write ${label}`).toBe(write)
      expect(got.length > 0, `read ${label}`).toBe(read)
      await client.endAsync(true)
    }
    await judge.endAsync()
  })
})

async function connectAs(port: number, user: string | null, clientId: string): Promise<MqttClient> {
  const login = user === null ? {} : { username: user, password: 'x' }
  return connectAsync({ port, clientId, protocolVersion: 5, reconnectPeriod: 0, ...login })
}

/** MQTT 5 says "not authorized" (0x87) in the PUBACK. */
async function mayPublish(client: MqttClient, topic: string): Promise<boolean> {
  try {
    await client.publishAsync(topic, 'x', { qos: 1, properties: { userProperties: { from: 'self' } } })
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 0x87 })
    return false
  }
}

async function startMosquitto(files: { passwords: string; acl?: string }): Promise<number> {
  const directory = await temporaryDirectory()
  // Mosquitto gives up root for a user of its own, who must get at the files.
  chmodSync(directory, 0o755)
  const port = await freePort()
  writeFileSync(join(directory, 'passwd'), files.passwords)
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    `password_file ${join(directory, 'passwd')}`,
  ]
  if (files.acl !== undefined) {
    writeFileSync(join(directory, 'acl'), files.acl)
    lines.push(`acl_file ${join(directory, 'acl')}`)
  }
  writeFileSync(join(directory, 'conf'), `${lines.join('\n')}\n`)
  const child = spawn('mosquitto', ['-v', '-c', join(directory, 'conf')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => stop(child))
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      if (chunk.includes('running')) resolve()
    })
    child.once('exit', () => reject(new Error('mosquitto ended at its start')))
  })
  return port
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill()
  await once(child, 'exit')
}

/** Mosquitto cannot choose a port and tell it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
