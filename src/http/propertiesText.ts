// The MQTT 5 properties of a publish [MQTT-3.3.2.3] as JSON: what a reading was sent with goes out with it, and comes back in
// by an import as it was.

import { AppError } from '../domain/errors.ts'
import type { PublishProperties } from '../domain/reading.ts'

/** `,"properties":{…}`, or nothing when the publish had none. */
export function encodeProperties(properties: PublishProperties | null): string {
  const json = propertiesJson(properties)
  return json === null ? '' : `,"properties":${json}`
}

export function propertiesJson(properties: PublishProperties | null): string | null {
  if (properties === null) return null
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic } = properties
  const { correlationData, userProperties } = properties
  return JSON.stringify({
    payload_format_indicator: payloadFormatIndicator,
    message_expiry_interval: messageExpiryInterval,
    content_type: contentType,
    response_topic: responseTopic,
    correlation_data_base64: correlationData?.toString('base64'),
    user_properties: userProperties,
  })
}

/** Throws `bad_request` for what no publish can carry. */
export function parseProperties(given: unknown): PublishProperties | null {
  if (given === undefined || given === null) return null
  if (typeof given !== 'object' || Array.isArray(given)) return fail('properties', 'must be an object')
  const kept: PublishProperties = {}
  for (const [name, value] of Object.entries(given)) {
    if (name === 'payload_format_indicator' && typeof value === 'boolean') kept.payloadFormatIndicator = value
    else if (name === 'message_expiry_interval' && isSeconds(value)) kept.messageExpiryInterval = value
    else if (name === 'content_type' && isText(value)) kept.contentType = value
    else if (name === 'response_topic' && isText(value)) kept.responseTopic = value
    else if (name === 'correlation_data_base64' && typeof value === 'string') {
      kept.correlationData = Buffer.from(value, 'base64')
    } else if (name === 'user_properties' && isPairs(value)) kept.userProperties = value
    else return fail(`properties.${name}`, 'is no MQTT 5 property of a publish, or not of its type')
  }
  return Object.keys(kept).length === 0 ? null : kept
}

function isSeconds(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32
}

/** A UTF-8 string of MQTT: at most 65,535 bytes [MQTT-1.5.4]. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) < 65_536
}

function isPairs(value: unknown): value is [string, string][] {
  return (
    Array.isArray(value) &&
    value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isText))
  )
}

function fail(name: string, fault: string): never {
  throw new AppError('bad_request', `${name}: ${fault}`)
}
