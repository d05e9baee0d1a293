// The Homie convention: in versions 3 and 4 `<root>/<device>/<node>/<property>/$unit` and its like describe the property one
// attribute a topic; in version 5 `<root>/5/<device>/$description` describes the whole device (https://homieiot.github.io).

import { unitOf } from '../../domain/units.ts'
import { type Described, described, member, objectOf, parsedObject, shortText } from './description.ts'

/** Properties of one device that are looked at. */
const propertiesMax = 1000

/** What a message under the root says; `null` when its topic describes nothing. */
export function readHomie(root: string, topic: string, payload: Uint8Array): Described[] | null {
  const levels = topic.slice(root.length + 1).split('/')
  const attribute = levels.at(-1) ?? ''
  if (levels.length === 3 && levels[0] === '5' && attribute === '$description') {
    return ofDevice(topic.slice(0, -'/$description'.length), payload)
  }
  if (levels.length !== 4 || !Object.hasOwn(attributes, attribute)) return null
  const key = attributes[attribute as keyof typeof attributes]
  const value = shortText(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString())
  return value === undefined
    ? []
    : described(topic.slice(0, -attribute.length - 1), 'value', { [key]: shown(key, value) })
}

const attributes = { $name: 'title', $unit: 'unit', $datatype: 'kind' } as const

function ofDevice(device: string, payload: Uint8Array): Described[] {
  const description = parsedObject(payload)
  const nodes = description && objectOf(member(description, 'nodes'))
  if (!nodes) return []
  const properties = Object.entries(nodes).flatMap(([node, about]) => {
    const own = objectOf(about)
    const list = own && objectOf(member(own, 'properties'))
    return Object.entries(list ?? {}).map(
      ([name, property]) => [`${device}/${node}/${name}`, property] as const,
    )
  })
  return properties.slice(0, propertiesMax).flatMap(([topic, property]) => {
    const own = objectOf(property)
    if (own === null) return []
    const unit = shortText(member(own, 'unit'))
    return described(topic, 'value', {
      title: shortText(member(own, 'name')),
      unit: unit === undefined ? undefined : shown('unit', unit),
      kind: shortText(member(own, 'datatype')),
    })
  })
}

const shown = (key: string, value: string): string => (key === 'unit' ? (unitOf(value) ?? value) : value)
