import { expect, test } from 'vitest'
import { decode, decodeFields } from '../../../src/ingest/decode/decode.ts'

const fieldsOf = (payload: string) => {
  const fields = decodeFields('t', Buffer.from(payload))
  return fields && { ...fields }
}

test.each([
  [
    'PASSKEY=3E80AB12CD34EF56&stationtype=GW1100A_V2.1.4&dateutc=2026-11-24+11:59:50&tempinf=72.3&freq=868M\r\n',
    {
      PASSKEY: '3E80AB12CD34EF56',
      stationtype: 'GW1100A_V2.1.4',
      dateutc: '2026-11-24 11:59:50',
      tempinf: 72.3,
      freq: '868M',
    },
  ],
  ['temp=21.5&hum=48', { temp: 21.5, hum: 48 }],
  ['id=0042&fw=3e8&from=%2B4917612345678', { id: '0042', fw: '3e8', from: '+4917612345678' }],
  ['from=+4917612345678&t=-3&u=+5', { from: '+4917612345678', t: -3, u: 5 }],
  ['t=&h=nan&p=null&ok=1', { ok: 1 }],
  ['name=caf%C3%A9&t=1', { name: 'café', t: 1 }],
])('the form %s is its pairs', (payload, fields) => expect(fieldsOf(payload)).toEqual(fields))

test.each([
  'temp=21.5',
  'temp = 1&hum = 2',
  'http://x/y?a=1&b=2',
  'a=1&b',
  'a=1&&b=2',
  '1=2&3=4',
  'a=%ZZ&b=1',
  'you & me = 2',
])('%s is no form but a text', (payload) => expect(fieldsOf(payload)).toEqual({ value: payload }))

test.each([
  ['1795521590.000:12.5\0', [1_795_521_590_000, { value: 12.5 }]],
  ['1795521590.123:1:U:-3e-05', [1_795_521_590_123, { 0: 1, 2: -3e-5 }]],
])('%j of collectd is its values, with their time', (payload, [time, fields]) => {
  const [record] = decode(Buffer.from(payload), { topic: 'collectd/host/cpu-0/cpu-user' }).records
  expect([record?.time, { ...record?.fields }]).toEqual([time, fields])
})

test.each(['1795521590:12', '1795521590.00:1', '17:30:00.000:1', '1795521590.000:a'])(
  '%s is nothing of collectd',
  (payload) => expect(fieldsOf(payload)).toEqual({ value: payload }),
)
