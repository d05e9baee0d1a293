// The HTTP API over TLS on the real server: clients check its certificate, a new one is taken without a restart, a broken one
// is not, and who asks in the clear learns nothing.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { amber } from '../cli/io.ts'
import { account, type Home, makeHome } from './server.ts'

let home: Home
afterEach(() => home.remove())

const fixtures = join(import.meta.dirname, '../fixtures/tls')
const ca = readFileSync(join(fixtures, 'ca.pem'))
const auth = `${account.username}:${account.password}`

/** Status and the common name of the certificate. */
function ask(port: number, path: string): Promise<{ status: number; name: string | undefined }> {
  return new Promise((resolve, reject) => {
    request({ host: 'localhost', family: 4, port, path, ca, auth, agent: false }, (response) => {
      response.resume()
      const name: unknown = (response.socket as TLSSocket).getPeerCertificate().subject.CN
      resolve({ status: response.statusCode ?? 0, name: typeof name === 'string' ? name : undefined })
    })
      .on('error', reject)
      .end()
  })
}

test('the API is served over TLS, with a new certificate when the file changes and the old one when it is broken', async () => {
  home = makeHome()
  const cert = join(home.path, 'cert.pem')
  const key = join(home.path, 'key.pem')
  const install = (name: string): void => {
    copyFileSync(join(fixtures, `${name}.pem`), cert)
    copyFileSync(join(fixtures, `${name}.key`), key)
  }
  install('server')
  const flags = [`--http.cert_file=${cert}`, `--http.key_file=${key}`]
  const server = await home.start(flags)
  expect(await ask(server.httpPort, '/api/v1/latest')).toEqual({ status: 200, name: 'localhost' })

  const isAnswered = await new Promise((resolve) => {
    requestHttp({ host: '127.0.0.1', port: server.httpPort, path: '/api/v1/latest', auth }, () =>
      resolve(true),
    )
      .on('error', () => resolve(false))
      .end()
  })
  expect(isAnswered).toBe(false)

  const health = await amber(['healthcheck', `--http.port=${server.httpPort}`, ...flags])
  expect(health).toEqual({ code: 0, out: '', err: '' })

  install('other')
  await expect
    .poll(async () => (await ask(server.httpPort, '/healthz')).name, { timeout: 15_000 })
    .toBe('other.example.org')
  writeFileSync(cert, 'nonsense')
  server.process.kill('SIGHUP')
  await expect.poll(() => server.output(), { timeout: 15_000 }).toContain('stays in force')
  expect(await ask(server.httpPort, '/healthz')).toEqual({ status: 200, name: 'other.example.org' })
  expect(await server.stop()).toBe(0)
})
