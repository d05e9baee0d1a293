// What a PUBLISH must be beyond its bytes: a topic that can be published to, and properties that name one [MQTT-3.3.2].

import { topicFault } from '../../domain/topic.ts'
import type { BrokerClient, PublishPacket } from '../client.ts'
import { type Fault, protocolError } from '../wire/fault.ts'

const topicInvalid = 0x90
const retainNotSupported = 0x9a
const qosNotSupported = 0x9b

export interface PublishLimits {
  topicLevelsMax: number
  qosMax: number
  retainAvailable: boolean
  topicAliasMax: number
  /** In front of every topic, and counted with it. */
  mountPoint: string
}

/** The check of one connection, whose topic aliases it remembers: asked once for each PUBLISH, in the order sent. */
export function createPublishCheck({
  topicLevelsMax,
  qosMax,
  retainAvailable,
  topicAliasMax,
  mountPoint,
}: PublishLimits) {
  let aliases: Set<number> | null = null
  return (_client: BrokerClient, { topic, qos, retain, properties }: PublishPacket): Fault | null => {
    if (qos > qosMax) {
      return { reasonCode: qosNotSupported, message: `QoS above ${qosMax} is not accepted [MQTT-3.2.2-11]` }
    }
    if (retain && !retainAvailable) {
      return { reasonCode: retainNotSupported, message: 'retained messages are not accepted [MQTT-3.2.2-14]' }
    }
    const alias = properties?.topicAlias
    if (topic === '') {
      if (alias === undefined) {
        return protocolError('a publish without a topic and without an alias [MQTT-3.3.2-8]')
      }
      // One out of range has an answer of its own [MQTT-3.3.2-8, 3.3.2-9].
      if (alias > 0 && alias <= topicAliasMax && aliases?.has(alias) !== true) {
        return protocolError(`topic alias ${alias} stands for no topic [MQTT-3.3.2.3.4]`)
      }
      return null
    }
    const whole = mountPoint === '' ? topic : mountPoint + topic
    const fault = topicFault(whole)
    if (fault !== null) return { reasonCode: topicInvalid, message: fault }
    // A short topic cannot have that many, and needs no counting.
    if (whole.length >= topicLevelsMax && levels(whole) > topicLevelsMax) {
      return { reasonCode: topicInvalid, message: `a topic may have ${topicLevelsMax} levels` }
    }
    const response = properties?.responseTopic
    if (response !== undefined && topicFault(response) !== null) {
      return protocolError('the response topic must be a topic without wildcards [MQTT-3.3.2-14]')
    }
    if (alias !== undefined && alias <= topicAliasMax) (aliases ??= new Set()).add(alias)
    return null
  }
}

function levels(topic: string): number {
  let count = 1
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) count++
  return count
}
