// What has been understood of a mosquitto.conf so far: settings, listeners, and a note for every line. The handlers of the
// keyword tables write into it.

import type { Setting } from '../sources.ts'
import type { ConfLine } from './lines.ts'

export type Outcome = 'understood' | 'ignored' | 'warning' | 'error'

/** What became of one line, and why. */
export interface Note {
  file: string
  /** 0: the file as a whole. */
  line: number
  keyword: string
  outcome: Outcome
  message: string
}

/** Thrown by a handler: the line cannot be taken as it is. */
export class LineFault extends Error {
  override readonly name = 'LineFault'
}

/** A handler's answer: what the line means here. Text alone: it was understood. */
export type Answer = string | { outcome: Outcome; message: string }
export type Handler = (conversion: Conversion, line: ConfLine) => Answer

export type Section = Record<string, unknown>

export class Conversion {
  readonly notes: Note[] = []
  readonly #settings = new Map<string, Setting>()
  readonly listeners: Section[] = []
  readonly bridges: Section[] = []
  /** The listener made by `port`, `bind_address` and options before the first `listener`. */
  defaultListener: Section | null = null
  /** Options that came before it is known whether there is a default listener. */
  #listener: Section | null = null
  /** The bridge that lines belong to, after `connection`. */
  bridge: Section | null = null
  /** `per_listener_settings`: accounts and rights belong to the listener they stand below. */
  readonly perListener: boolean
  /** Where plugins said files that Amber reads itself. */
  readonly plugin = {
    passwordFile: '',
    aclFile: '',
    line: null as ConfLine | null,
    otherRights: null as ConfLine | null,
  }

  constructor(perListener: boolean) {
    this.perListener = perListener
  }

  get settings(): Setting[] {
    return [...this.#settings.values()]
  }

  has(key: string): boolean {
    return this.#settings.has(key)
  }

  set(key: string, value: unknown, line: ConfLine): string {
    this.#settings.set(key, { key, value, place: placeOf(line) })
    return `${key} = ${JSON.stringify(value)}`
  }

  /** As `set`, for what follows from the file as a whole. */
  imply(key: string, value: unknown, file: string): void {
    this.#settings.set(key, { key, value, place: file })
  }

  startListener(section: Section): void {
    this.listeners.push(section)
    this.#listener = section
    this.bridge = null
  }

  /** The listener that options stand below; before the first one, the default listener. */
  listener(): Section {
    this.defaultListener ??= {}
    return this.#listener ?? this.defaultListener
  }

  setListener(key: string, value: unknown): string {
    const section = this.listener()
    section[key] = value
    const at = this.listeners.indexOf(section)
    return `${at < 0 ? 'the default listener' : `mqtt.listeners[${at}]`}: ${key} = ${JSON.stringify(value)}`
  }

  note(line: ConfLine, answer: Answer): void {
    const { file, line: number, keyword } = line
    const told = typeof answer === 'string' ? { outcome: 'understood' as const, message: answer } : answer
    this.notes.push({ file, line: number, keyword, ...told })
  }
}

export function placeOf({ file, line }: ConfLine): string {
  return `${file}:${line}`
}

/** A value of `true` or `false`, as Mosquitto reads them. */
export function flagOf({ value }: ConfLine): boolean {
  if (/^(true|1)$/i.test(value)) return true
  if (/^(false|0)$/i.test(value)) return false
  throw new LineFault(`must be true or false, not "${value}"`)
}

export function numberOf({ value }: ConfLine, minimum = 0): number {
  if (/^-?\d+$/.test(value) && Number(value) >= minimum && Number.isSafeInteger(Number(value)))
    return Number(value)
  throw new LineFault(`must be a whole number of at least ${minimum}, not "${value}"`)
}

export function textOf({ value }: ConfLine): string {
  if (value === '') throw new LineFault('needs a value')
  return value
}

/** The line changes nothing, and that is as good as what it asks for. */
export const ignored =
  (message: string): Handler =>
  () => ({ outcome: 'ignored', message })

/** The line asks for something that is not there. */
export const unsupported =
  (message: string): Handler =>
  () => ({ outcome: 'warning', message })

/** The line protects something, and nothing here would do that in its place. */
export const unsafe =
  (message: string): Handler =>
  () => ({ outcome: 'error', message })
