// Plays devices over real MQTT, each through its own client, until it is told to stop. A server that goes away is waited for.

import { setTimeout as delay } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import type { DemoClient, DemoMessage, Device } from './devices.ts'

export interface Player {
  readonly published: number
  /** Says goodbye for every device, and waits for what is under way. */
  stop(): Promise<void>
}

const tickMs = 50
const goodbyeMsMax = 2000
/** Unacknowledged publishes of one client; above that a device waits for its turn. */
const underWayMax = 1000

/** `factor`: how much faster than they are the devices speak. */
export function playDevices(
  devices: readonly Device[],
  clients: ReadonlyMap<string, { client: MqttClient; about: DemoClient }>,
  { factor, now = Date.now }: { factor: number; now?: () => number },
): Player {
  let published = 0
  const underWay = new Map<string, number>()
  const send = (client: MqttClient, { topic, payload, retain }: DemoMessage): void => {
    const { clientId = '' } = client.options
    underWay.set(clientId, (underWay.get(clientId) ?? 0) + 1)
    client.publish(topic, payload, { qos: 1, retain: retain === true }, (error) => {
      underWay.set(clientId, (underWay.get(clientId) ?? 1) - 1)
      if (!error) published++
    })
  }
  // Not all at once: each begins somewhere in its own interval.
  const due = devices.map(
    ({ everyMs }, index) => now() + ((index * 0.618) % 1) * Math.min(everyMs / factor, 5000),
  )
  const timer = setInterval(() => {
    const time = now()
    for (const [index, { clientId, everyMs, at }] of devices.entries()) {
      const client = clients.get(clientId)?.client
      if (client?.connected !== true) continue
      while ((due[index] ?? 0) <= time && (underWay.get(clientId) ?? 0) < underWayMax) {
        for (const message of at(time)) send(client, message)
        due[index] = Math.max(due[index] ?? 0, time - tickMs * 4) + everyMs / factor
      }
    }
  }, tickMs)
  for (const { client, about } of clients.values()) {
    const { status } = about
    const greet = (): void => {
      if (status !== null) send(client, { topic: status.topic, payload: status.online, retain: true })
    }
    client.on('connect', greet)
    greet()
  }
  return {
    get published() {
      return published
    },
    async stop() {
      clearInterval(timer)
      await Promise.all(
        [...clients.values()].map(async ({ client, about: { status } }) => {
          const leave = async (): Promise<void> => {
            if (!client.connected) return
            if (status !== null)
              await client.publishAsync(status.topic, status.offline, { qos: 1, retain: true })
            await client.endAsync()
          }
          // A server that has just gone acknowledges nothing any more.
          const control = new AbortController()
          const inTime = delay(goodbyeMsMax, undefined, control).catch(() => undefined)
          await Promise.race([leave().catch(() => undefined), inTime])
          control.abort()
          client.end(true)
        }),
      )
    },
  }
}
