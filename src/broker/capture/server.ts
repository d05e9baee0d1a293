// Publishes by the server itself: an HTTP request, a bridge. Captured first, then delivered to subscribers.

import { AppError } from '../../domain/errors.ts'
import { printable, topicFault } from '../../domain/topic.ts'
import type { Capture, Publish } from '../../ingest/capture.ts'
import type { AedesBroker } from '../client.ts'
import { wireProperties } from './properties.ts'

export function createServerPublish({ capture, aedes }: { capture: Capture; aedes: AedesBroker }): Publish {
  return (message) =>
    new Promise((resolve, reject) => {
      const { topic, payload, qos, retain, source, user, clientId, properties } = message
      const fault = serverTopicFault(topic)
      if (fault !== null) return reject(fault)
      const now = Date.now()
      capture(
        {
          topic,
          time: now,
          receivedAt: now,
          source,
          clientId,
          user,
          qos,
          retain,
          dup: false,
          properties,
          payload,
          fields: null,
        },
        { awaited: true },
        (error, seq) => {
          if (error) return reject(error)
          const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
          const carried = properties === null ? {} : { properties: wireProperties(properties) }
          aedes.publish({ cmd: 'publish', topic, payload: bytes, qos, retain, seq, ...carried }, () =>
            resolve(seq),
          )
        },
      )
    })
}

function serverTopicFault(topic: string): AppError | null {
  const fault = topicFault(topic)
  if (fault !== null) return new AppError('bad_topic', `"${printable(topic)}" is not a topic: ${fault}`)
  if (topic === '$SYS' || topic.startsWith('$SYS/')) {
    return new AppError('forbidden', '$SYS is written by the server alone [MQTT-4.7.2]')
  }
  return null
}
