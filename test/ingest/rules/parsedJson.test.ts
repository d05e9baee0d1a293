// JSON that a message holds as text: what is read of it, and what stays a text.

import { expect, test } from 'vitest'
import { applier, receivedAt } from './apply.ts'

const clean = applier('rules:\n  - { name: g, topic: gw, parse_json: ["pay*"] }\n')
const fieldsOf = async (message: object | string) => {
  const payload = typeof message === 'string' ? message : JSON.stringify(message)
  const [made] = await clean('gw', payload)
  return made?.fields && { ...made.fields }
}

test('what the text says is read below it, and the text stays', async () => {
  const payload = '{"t":21.5,"n":12345678901234567890,"a":[1],"x":null}'
  expect(await fieldsOf({ id: 7, payload })).toEqual({
    id: 7,
    payload,
    'payload.t': 21.5,
    'payload.n': 12_345_678_901_234_567_890n,
    'payload.a.0': 1,
  })
})

test('a list of objects is read, and a text within the text is not', async () => {
  const payload = JSON.stringify([{ t: 1, payload: '{"t":2}' }])
  expect(await fieldsOf({ payload })).toEqual({ payload, 'payload.0.t': 1, 'payload.0.payload': '{"t":2}' })
})

test('what the message says itself counts', async () => {
  expect(await fieldsOf({ 'payload.t': 1, payload: '{"t":2}' })).toEqual({
    'payload.t': 1,
    payload: '{"t":2}',
  })
})

test.each([
  ['a field of another name', { data: '{"t":1}' }],
  ['a template', { payload: '{{ value_json.t }}' }],
  ['broken JSON', { payload: '{"t":1,}' }],
  ['JSON that was cut off', { payload: '{"t":1,"h":' }],
  ['two documents', { payload: '{"t":1}{"t":2}' }],
  ['a list of numbers', { payload: '[1,2]' }],
  ['a number', { payload: '21.5' }],
  ['more levels than a message may have', { payload: `${'{"a":'.repeat(40)}1${'}'.repeat(40)}` }],
  ['more fields than a message may have', { payload: JSON.stringify([{ v: Array(10_001).fill(1) }]) }],
])('%s stays a text: nothing is stored beside the payload', async (_name, message) => {
  expect(await fieldsOf(message)).toBeNull()
})

test('together the texts of a message become no more fields than a message may have', async () => {
  const payload = JSON.stringify([{ v: Array(6000).fill(1) }])
  expect(await fieldsOf({ payload, pay2: payload })).toBeNull()
})

test('a message of the same layout without such a text is read as before, and one with it is not mistaken for it', async () => {
  const same = applier('rules:\n  - { name: g, topic: gw, parse_json: [payload] }\n')
  for (const payload of ['off', '{"t":1}', 'off', '{"t":2}']) {
    const [made] = await same('gw', JSON.stringify({ payload }))
    expect(made?.fields && { ...made.fields }).toEqual(
      payload === 'off' ? null : { payload, 'payload.t': JSON.parse(payload).t },
    )
  }
})

test('its time is found by the profile of anything that says when', async () => {
  const all = applier('profiles: [timestamps]')
  const at = receivedAt - 10_000
  const [made] = await all('gw', JSON.stringify({ payload: JSON.stringify({ ts: at, t: 1 }) }))
  expect(made?.time).toBe(at)
})
