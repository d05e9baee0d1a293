// The control of the kill test: a bare Aedes that stores in `published`, which runs after the PUBACK has left.
// It answers just enough of the HTTP API for the same check.

import { createServer } from 'node:http'
import net from 'node:net'
import { Aedes } from 'aedes'
import { createLog } from '../../dist/ops/log.js'
import { openStore } from '../../dist/store/open.js'

const log = createLog({ level: 'silent', format: 'json' })
const store = await openStore(
  { engine: 'leveldb', path: 'control', durability: 'fsync', max_pending_bytes: 2 ** 26, memory: 'normal' },
  { log },
)
const broker = await Aedes.createBroker({
  concurrency: 0,
  published(packet, client, done) {
    if (!client) return done(null)
    const { topic, payload, qos, retain, dup } = packet
    const time = Date.now()
    const reading = {
      topic,
      time,
      receivedAt: time,
      source: 'mqtt',
      clientId: client.id,
      user: null,
      qos,
      retain,
      dup,
    }
    store.append({ ...reading, properties: null, payload, fields: null }, { awaited: true }, (error) =>
      done(error),
    )
  },
})
const mqtt = net.createServer((socket) => void broker.handle(socket)).listen(0, '127.0.0.1')
async function answer(request, response) {
  const topic = new URL(request.url, 'http://localhost').searchParams.get('topic')
  const data = []
  const query = { filters: [topic], from: 0, to: Number.MAX_SAFE_INTEGER, order: 'asc', limit: 1e9 }
  for await (const chunk of store.range(query)) {
    for (const { payload } of chunk) data.push({ payload: String(payload) })
  }
  response.end(JSON.stringify({ data, page: {} }))
}
const http = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
process.on('uncaughtException', () => {})
setTimeout(() => {
  console.log(
    `mqtt://127.0.0.1:${mqtt.address().port}\nhttp://127.0.0.1:${http.address().port}\nNext   (none)`,
  )
}, 100)
