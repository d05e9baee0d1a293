// Publishes by the server itself: an HTTP request, a bridge. Captured first, then delivered to subscribers.

import { AppError } from '../../domain/errors.ts'
import { printable, reservedTopicFault, topicFault } from '../../domain/topic.ts'
import type { Capture, Publish } from '../../ingest/capture.ts'
import { expiryTime } from '../message.ts'
import type { Router } from '../delivery/router.ts'
import type { Journal } from '../sessions/journal.ts'

export interface ServerPublishDependencies {
  capture: Capture
  router: Router
  journal: Journal
}

export function createServerPublish({ capture, router, journal }: ServerPublishDependencies): Publish {
  return (message) =>
    new Promise((resolve, reject) => {
      const { topic, payload, qos, retain, source, user, clientId, properties } = message
      const fault = serverTopicFault(topic)
      if (fault !== null) return reject(fault)
      const now = Date.now()
      capture(
        {
          topic,
          time: message.time ?? now,
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
          const expiresAt = expiryTime(properties, now)
          router.route({ topic, payload: Buffer.from(payload), qos, retain, properties, clientId, expiresAt })
          journal.follow(seq)
          resolve(seq)
        },
      )
    })
}

function serverTopicFault(topic: string): AppError | null {
  const fault = topicFault(topic)
  if (fault !== null) return new AppError('bad_topic', `"${printable(topic)}" is not a topic: ${fault}`)
  const reserved = reservedTopicFault(topic)
  return reserved === null ? null : new AppError('forbidden', reserved)
}
