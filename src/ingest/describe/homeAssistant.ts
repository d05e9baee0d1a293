// MQTT discovery of Home Assistant: `<prefix>/<component>/[<node>/]<object>/config` describes one entity, and
// `<prefix>/device/<object>/config` a device with all of its components. Names may be abbreviated, and `~` stands for a base topic
// (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).

import { topicFault } from '../../domain/topic.ts'
import { unitOf } from '../../domain/units.ts'
import {
  type Described,
  described,
  type JsonObject,
  member,
  objectOf,
  parsedObject,
  shortText,
} from './description.ts'

/** Components of one device that are looked at. */
const componentsMax = 1000

/** What a message under the discovery prefix says; `null` when its topic is no discovery topic. */
export function readDiscovery(prefix: string, topic: string, payload: Uint8Array): Described[] | null {
  const levels = topic.slice(prefix.length + 1).split('/')
  if (levels.at(-1) !== 'config' || levels.length < 3 || levels.length > 4) return null
  const config = parsedObject(payload)
  if (config === null) return []
  const components = objectOf(member(config, 'components', 'cmps'))
  if (levels[0] !== 'device' || components === null) return entity(config, config, levels[0])
  return Object.values(components)
    .slice(0, componentsMax)
    .flatMap((component) => {
      const own = objectOf(component)
      return own === null ? [] : entity(own, config, member(own, 'platform', 'p'))
    })
}

/** What is not said of an entity is said of its device. */
function entity(own: JsonObject, device: JsonObject, component: unknown): Described[] {
  const find = (...names: string[]): unknown => member(own, ...names) ?? member(device, ...names)
  const topic = topicOf(find('state_topic', 'stat_t'), find('~'))
  const field = fieldOf(member(own, 'value_template', 'val_tpl'))
  if (topic === null || field === null) return []
  const spelling = shortText(member(own, 'unit_of_measurement', 'unit_of_meas'))
  const about = objectOf(member(device, 'device', 'dev'))
  return described(topic, field, {
    title: shortText(member(own, 'name')) ?? (about === null ? undefined : shortText(member(about, 'name'))),
    unit: spelling === undefined ? undefined : (unitOf(spelling) ?? spelling),
    kind: shortText(member(own, 'device_class', 'dev_cla')) ?? shortText(component),
  })
}

function topicOf(value: unknown, base: unknown): string | null {
  if (typeof value !== 'string') return null
  const root = typeof base === 'string' ? base : ''
  // The base stands at the beginning or the end alone.
  const whole = value.startsWith('~')
    ? root + value.slice(1)
    : value.endsWith('~')
      ? value.slice(0, -1) + root
      : value
  return topicFault(whole) === null ? whole : null
}

const start = /^\s*\{\{-?\s*(value_json|value)/
const step = /\.([A-Za-z_]\w*)|\[\s*(?:'([^'\\]*)'|"([^"\\]*)"|(\d{1,6}))\s*\]/y
/**
 * Filters that leave the value what it is: its unit is that of the field. A blank can be read in one way only: in two, a
 * template of three hundred characters would take for ever.
 */
const rest =
  /^(?:\s*\|\s*(?:float|int|round|default|d|is_defined|string|abs)(?:\s*\([^()|{}]*\))?)*\s*-?\}\}\s*$/

/** The path that a template shows as it is; `value` without a template; `null` for anything that is worked out. */
export function fieldOf(template: unknown): string | null {
  if (template === undefined || template === null || template === '') return 'value'
  if (typeof template !== 'string' || template.length > 1000) return null
  const [head, root] = start.exec(template) ?? []
  if (head === undefined) return null
  const names: string[] = []
  step.lastIndex = head.length
  let end = head.length
  for (let found = step.exec(template); found; found = step.exec(template)) {
    names.push(found[1] ?? found[2] ?? found[3] ?? found[4] ?? '')
    end = step.lastIndex
  }
  if (!rest.test(template.slice(end))) return null
  if (root === 'value') return names.length === 0 ? 'value' : null
  return names.length === 0 ? null : names.join('.')
}
