// mosquitto.conf as settings of Amber: every line is understood, ignored with its reason, a warning, or an error when leaving it
// out would open what it closes. Nothing is dropped in silence.

import { distance } from 'fastest-levenshtein'
import type { Problem } from '../../domain/errors.ts'
import type { Setting } from '../sources.ts'
import { accessKeywords, pluginOption, settlePlugin } from './access.ts'
import { bridgeKeywords, settleBridges } from './bridges.ts'
import { type Answer, Conversion, type Handler, LineFault, type Note, type Section } from './conversion.ts'
import { generalKeywords } from './general.ts'
import { type ConfLine, readConfLines } from './lines.ts'
import { listenerKeywords } from './listeners.ts'

export interface MosquittoConf {
  settings: Setting[]
  /** One for each line that is no comment, in their order. */
  notes: Note[]
  /** The listener that lines before the first `listener` speak of, as it stands in `mqtt.listeners`. */
  defaultListener: Section | null
  problems: Problem[]
}

const handlers = new Map<string, Handler>(
  Object.entries({ ...generalKeywords, ...accessKeywords, ...listenerKeywords, ...bridgeKeywords }),
)

export const mosquittoKeywords: readonly string[] = [...handlers.keys()]

/** Reads a file with everything it includes. Throws `bad_config` when one cannot be read. */
export function readMosquittoConf(path: string, cwd: string): MosquittoConf {
  return convertLines(readConfLines(path, cwd), path)
}

/** Pure: the lines of `file` and of what it includes. */
export function convertLines(lines: readonly ConfLine[], file: string): MosquittoConf {
  const conversion = new Conversion(
    lines.some(({ keyword, value }) => keyword === 'per_listener_settings' && /^(true|1)$/i.test(value)),
  )
  for (const line of lines) conversion.note(line, convertLine(conversion, line))
  settlePlugin(conversion)
  const defaultListener = settleListeners(conversion, file)
  settleAccess(conversion, file)
  settleBridges(conversion, file)
  const { notes, settings } = conversion
  const problems = notes
    .filter(({ outcome }) => outcome === 'error')
    .map(({ file: at, line, keyword, message }) => ({
      path: `${at}:${line}`,
      message: `${keyword}: ${message}`,
    }))
  return { settings, notes, problems, defaultListener }
}

/** Whether a text reads like a mosquitto.conf and not like YAML. */
export function isMosquittoConf(text: string): boolean {
  const words = text
    .split('\n')
    .filter((row) => !row.startsWith('#') && row.trim() !== '')
    .map((row) => row.trim().split(/\s+/)[0] ?? '')
  return (
    words.length > 0 && words.every((word) => !word.endsWith(':')) && words.some((word) => handlers.has(word))
  )
}

function convertLine(conversion: Conversion, line: ConfLine): Exclude<ReturnType<Handler>, never> {
  const handler = handlerOf(line.keyword)
  try {
    return handler(conversion, line)
  } catch (error) {
    if (!(error instanceof LineFault)) throw error
    return { outcome: 'error', message: error.message }
  }
}

function handlerOf(keyword: string): Handler {
  const known = handlers.get(keyword)
  if (known !== undefined) return known
  if (/^(auth|plugin)_opt_/.test(keyword)) return pluginOption
  const near = mosquittoKeywords.find((other) => distance(other, keyword) <= 2)
  // Mosquitto would not start either, and what was meant may protect something.
  if (near !== undefined)
    return () => ({ outcome: 'error', message: `there is no such keyword; did you mean ${near}?` })
  return () => ({ outcome: 'warning', message: 'not supported' })
}

const localOnly =
  'as in Mosquitto 2, only this machine can connect, and needs no account unless allow_anonymous is false'

/** Found by running 2.0.11, whose manual says otherwise, with a password file and without. */
const openByAccident: Answer = {
  outcome: 'warning',
  message:
    'with per_listener_settings Mosquitto 2.0 lets anonymous clients in on port 1883 or that of "port" when the file says nothing about them, against its own manual; they are refused here. If they are wanted, write allow_anonymous true above the first listener',
}

/** Without `listener` or `port` Mosquitto 2 listens on this machine only, and lets everybody there in. Returns the default listener. */
function settleListeners(conversion: Conversion, file: string): Section | null {
  const { listeners, defaultListener } = conversion
  const hasDefault =
    defaultListener !== null && (listeners.length === 0 || Object.keys(defaultListener).some(opensDefault))
  if (
    listeners.length === 0 &&
    defaultListener?.['port'] === undefined &&
    defaultListener?.['host'] === undefined
  ) {
    conversion.note({ file, line: 0, keyword: '(no listener)', value: '' }, localOnly)
    conversion.imply('mqtt.host', '127.0.0.1', file)
    conversion.imply('http.host', '127.0.0.1', file)
    if (!conversion.has('auth.allow_anonymous')) conversion.imply('auth.allow_anonymous', true, file)
    if (defaultListener === null) return null
    defaultListener['host'] = '127.0.0.1'
  }
  if (hasDefault && conversion.perListener && defaultListener?.['allow_anonymous'] === undefined) {
    conversion.note({ file, line: 0, keyword: 'allow_anonymous', value: '' }, openByAccident)
  }
  if (hasDefault) defaultListener['port'] ??= 1883
  const all: Section[] = hasDefault ? [defaultListener, ...listeners] : listeners
  for (const listener of all) settleNames(listener)
  conversion.imply('mqtt.default_listener', false, file)
  conversion.imply('mqtt.listeners', all, file)
  return hasDefault ? defaultListener : null
}

/** Options before the first `listener` that make Mosquitto open port 1883 besides. */
function opensDefault(key: string): boolean {
  return key !== 'allow_anonymous' && key !== 'acl_file'
}

/** As in Mosquitto, a certificate names the user only where one is required, or where a load balancer should say it. */
function settleNames(listener: Section): void {
  if (listener['require_certificate'] !== true && listener['proxy_protocol'] !== true)
    delete listener['username_from']
}

/** Amber has a password file by default; Mosquitto has none. Its ACL file says nothing about subscribing, and MQTT 3 hears no refusal. */
function settleAccess(conversion: Conversion, file: string): void {
  conversion.imply('mqtt.refuse_unreadable_subscriptions', false, file)
  conversion.imply('mqtt.acknowledge_refused', true, file)
  conversion.imply('auth.trust_user_names', true, file)
  if (conversion.perListener) {
    const { defaultListener, listeners } = conversion
    const all = defaultListener === null ? listeners : [defaultListener, ...listeners]
    const named = all.find(({ password_file: path }) => path !== undefined)
    for (const listener of all) {
      listener['allow_anonymous'] ??= false
      listener['password_file'] ??= conversion.plugin.passwordFile
      listener['acl_file'] ??= conversion.plugin.aclFile
    }
    // Who asks over HTTP is one of the users of the first listener that has users.
    if (named !== undefined && !conversion.has('auth.password_file')) {
      conversion.imply('auth.password_file', named['password_file'], file)
      conversion.imply('auth.acl_file', named['acl_file'], file)
    }
  }
  if (!conversion.has('auth.password_file')) conversion.imply('auth.password_file', '', file)
}
