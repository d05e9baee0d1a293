// Requests over one kept connection a system, timed from the first byte sent to the last received.

import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'

export interface Answered {
  elapsedMs: number
  body: Buffer
}

export interface Client {
  get(path: string): Promise<Answered>
  post(path: string, body: Uint8Array | string, type?: string): Promise<Answered>
  /** Waits until `path` answers with success. */
  ready(path: string): Promise<void>
  close(): void
}

export function createClient(port: number, headers: Record<string, string> = {}): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  const send = (
    method: string,
    path: string,
    body?: Uint8Array | string,
    type?: string,
    over: Agent | false = agent,
  ): Promise<Answered> =>
    new Promise((resolve, reject) => {
      const started = performance.now()
      const all = { ...headers, ...(type === undefined ? {} : { 'content-type': type }) }
      const sent = request(
        { host: '127.0.0.1', port, path, method, agent: over, headers: all },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => {
            const answered = { elapsedMs: performance.now() - started, body: Buffer.concat(chunks) }
            if ((response.statusCode ?? 500) < 300) resolve(answered)
            else
              reject(
                new Error(
                  `${method} ${path}: ${response.statusCode} ${answered.body.toString('utf8', 0, 400)}`,
                ),
              )
          })
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  return {
    get: (path) => send('GET', path),
    post: (path, body, type) => send('POST', path, body, type),
    async ready(path) {
      for (let attempt = 0; ; attempt++) {
        try {
          // Over no kept connection: whoever is asked a minute later has closed it.
          await send('GET', path, undefined, undefined, false)
          return
        } catch (error) {
          if (attempt > 300) throw error
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    },
    close: () => agent.destroy(),
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
