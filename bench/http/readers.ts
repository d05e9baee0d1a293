// Many readers of live streams, ten of each topic, in a process of their own: `readers.ts PORT COUNT`. Says `ready` when all are connected; after a
// line on standard input it waits until nothing comes any more and prints how many events came.

import { type IncomingMessage, request } from 'node:http'
import { once } from 'node:events'
import { account } from '../store/amber.ts'
import { readersOfOne } from './streams.ts'

const [port, count] = process.argv.slice(2).map(Number)
let events = 0
const mark = Buffer.from('data: ')

await Promise.all(
  Array.from({ length: count ?? 0 }, async (_none, n) => {
    const path = `/api/v1/stream?topic=live/room-${Math.floor(n / readersOfOne)}/climate`
    const auth = `${account.username}:${account.password}`
    const sent = request({ host: '127.0.0.1', port, path, auth, agent: false })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    if (response.statusCode !== 200) throw new Error(`a reader was answered ${response.statusCode}`)
    response.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(mark); at !== -1; at = chunk.indexOf(mark, at + 1)) events++
    })
  }),
)
process.stdout.write('ready\n')
await once(process.stdin, 'data')
for (let before = -1; before !== events; ) {
  before = events
  await new Promise((resolve) => setTimeout(resolve, 1000))
}
process.stdout.write(`${JSON.stringify({ events })}\n`, () => process.exit(0))
