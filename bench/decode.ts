// How well and how fast payloads are decoded: the score over real messages with every leaf that is missing or wrong, and the
// time a message takes. `npx tsx bench/decode.ts`

import { decode, decodeFields } from '../src/ingest/decode/decode.ts'
import { readMessages, score } from '../test/ingest/score.ts'

const messages = readMessages()
const { leaves, right, missing, wrong, extra, nulls } = score(messages, ({ topic, payload }) =>
  decodeFields(topic, payload),
)
console.log(`${messages.length} messages, ${leaves} leaves: ${((100 * right) / leaves).toFixed(2)} % right`)
for (const [name, list] of Object.entries({ missing, wrong, 'samples that are none': nulls, extra })) {
  console.log(`${list.length} ${name}`)
  for (const one of list) console.log(`  ${one}`)
}

const shapes = {
  'two-field JSON': '{"temperature":21.5,"humidity":40}',
  'a bare number': '21.5',
  'a word': 'online',
  'line protocol': 'cpu,host=a usage=90 1637014942460689291',
  'SenML of two records': '[{"bn":"dev:","n":"a","u":"V","v":120.1},{"n":"b","v":1.2}]',
  'JSON with a nan': '{"temperature":nan,"humidity":40}',
}
for (const [name, payload] of Object.entries(shapes))
  time(name, [{ topic: 't', payload: Buffer.from(payload) }])
time('all real messages, one after another', messages)

function time(name: string, sent: readonly { topic: string; payload: Buffer }[]): void {
  const best = Math.min(...Array.from({ length: 5 }, () => once(sent)))
  console.log(`${name}: ${best.toFixed(2)} µs`)
}

function once(sent: readonly { topic: string; payload: Buffer }[]): number {
  const rounds = Math.ceil(100_000 / sent.length)
  const started = performance.now()
  for (let round = 0; round < rounds; round++)
    for (const { topic, payload } of sent) decode(payload, { topic })
  return ((performance.now() - started) * 1000) / (rounds * sent.length)
}
