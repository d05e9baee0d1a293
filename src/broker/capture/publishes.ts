// Aedes' hook `authorizePublish`: every publish that comes by MQTT becomes a reading here, before any acknowledgement.
// Promises: Aedes hears "go on" only after the reading is durable; a publish that cannot be stored is never acknowledged.

import type { Principal } from '../../auth/principal.ts'
import { AppError, asAppError } from '../../domain/errors.ts'
import type { NewReading, Source } from '../../domain/reading.ts'
import { printable } from '../../domain/topic.ts'
import type { Capture } from '../../ingest/capture.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { BrokerClient, PublishPacket } from '../client.ts'
import type { Receipts } from './receipts.ts'
import { readingProperties } from './properties.ts'
import { refusePublish } from './refusal.ts'

type Done = (error?: Error | null) => void

export type AuthorizePublish = (client: BrokerClient | null, packet: PublishPacket, done: Done) => void

export interface PublishDependencies {
  capture: Capture
  receipts: Receipts
  metrics: Metrics
}

export function createAuthorizePublish(dependencies: PublishDependencies): AuthorizePublish {
  const { capture, metrics } = dependencies
  return (client, packet, done) => {
    const source: Source = packet.cmd === undefined || client === null ? 'will' : 'mqtt'
    const principal = client?.amber.principal ?? null
    const denial = denied(client, principal, packet)
    if (denial !== null) {
      metrics.received.inc({ source })
      metrics.rejected.inc({ source, reason: denial.code })
      refuse(client, packet, source, denial, done)
      return
    }
    const reading = asReading(client, principal, packet, source)
    if (packet.qos === 2 && client !== null && packet.messageId !== undefined && source === 'mqtt') {
      captureOnce(dependencies, client, packet, packet.messageId, reading, done)
      return
    }
    capture(reading, { awaited: packet.qos > 0 || source === 'will' }, (error, seq) => {
      if (error) return refuse(client, packet, source, error, done)
      packet.seq = seq
      done(null)
    })
  }
}

/** QoS 2: reading and receipt in one commit; a copy of a stored publish is acknowledged and not stored again. */
function captureOnce(
  { capture, receipts, metrics }: PublishDependencies,
  client: BrokerClient,
  packet: PublishPacket,
  messageId: number,
  reading: NewReading,
  done: Done,
): void {
  const again = (): void => {
    metrics.received.inc({ source: 'mqtt' })
    metrics.deduplicated.inc({ source: 'mqtt' })
    packet.storedBefore = true
    done(null)
  }
  const receipt = receipts.mark(client.id, messageId)
  if (receipts.isStored(receipt)) return again()
  const isFirst = receipts.begin(client.id, messageId, (error) => {
    if (error === null) return again()
    metrics.received.inc({ source: 'mqtt' })
    metrics.rejected.inc({ source: 'mqtt', reason: error.code })
    refuse(client, packet, 'mqtt', error, done)
  })
  if (!isFirst) return
  capture(reading, { awaited: true, receipt }, (error, seq) => {
    if (error) refuse(client, packet, 'mqtt', error, done)
    else {
      packet.seq = seq
      done(null)
    }
    receipts.settle(client.id, messageId, error)
  })
}

function denied(
  client: BrokerClient | null,
  principal: Principal | null,
  packet: PublishPacket,
): AppError | null {
  const { topic } = packet
  if (topic === '$SYS' || topic.startsWith('$SYS/')) {
    return new AppError('forbidden', '$SYS is written by the server alone [MQTT-4.7.2]')
  }
  // A will whose client is gone was let in when it was left.
  if (client === null || principal?.mayWrite(topic, client.id)) return null
  return new AppError('forbidden', `you may not publish to "${printable(topic)}"`)
}

function asReading(
  client: BrokerClient | null,
  principal: Principal | null,
  packet: PublishPacket,
  source: Source,
): NewReading {
  const now = Date.now()
  return {
    topic: packet.topic,
    time: now,
    receivedAt: now,
    source,
    clientId: client?.id ?? packet.clientId ?? '',
    user: principal?.name ?? null,
    qos: packet.qos,
    retain: packet.retain,
    dup: packet.dup === true,
    properties: packet.properties === undefined ? null : readingProperties(packet.properties),
    payload: packet.payload,
    fields: null,
  }
}

function refuse(
  client: BrokerClient | null,
  packet: PublishPacket,
  source: Source,
  error: unknown,
  done: Done,
): void {
  const known = asAppError(error)
  if (client === null || source === 'will') done(known)
  else refusePublish(client, packet, known, done)
}
