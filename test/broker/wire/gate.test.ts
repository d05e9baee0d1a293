// The gate's bound on answers nobody reads: a socket that never drains stands in for the far side.

import { Duplex } from 'node:stream'
import { parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import type { BrokerClient } from '../../../src/broker/client.ts'
import { gatherWrites } from '../../../src/broker/flush.ts'
import { attachGate } from '../../../src/broker/wire/gate.ts'
import { createLog } from '../../../src/ops/log.ts'

test('whoever sends without reading the answers is closed', async () => {
  const conn = new Duplex({ read: () => undefined, write: () => undefined })
  const outlet = gatherWrites(conn)
  const reader = Object.assign(parser(), { _queue: null })
  const amber = { outlet, refused: false, unacknowledged: new Set(), halfOpen: new Set() }
  const nothing = (): void => undefined
  const client = {
    _parser: reader,
    conn,
    amber,
    closed: false,
    pause: nothing,
    resume: nothing,
  } as unknown as BrokerClient
  attachGate(client, {
    log: createLog({ level: 'silent', format: 'json' }),
    packetBytesMax: 1000,
    filtersMax: 100,
    queuedBytesMax: 100_000,
    inflightMax: 10,
    versions: [],
    onPublish: () => undefined,
  })
  const connect = Buffer.from('100d00044d51545404020000000161', 'hex')
  reader.parse(connect)
  outlet.add(Buffer.alloc(160_000))
  reader.parse(Buffer.from('c000', 'hex'))
  expect(conn.destroyed).toBe(false)
  outlet.add(Buffer.alloc(10_000))
  reader.parse(Buffer.from('c000', 'hex'))
  expect(conn.destroyed).toBe(true)
})
