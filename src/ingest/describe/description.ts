// What one message says of fields of other topics, and how it is read out of JSON.

import type { FieldDescription } from '../../domain/description.ts'

/** One thing that one message says. */
export interface Described extends FieldDescription {
  topic: string
  /** Path of the field; `value` for a bare payload. */
  field: string
}

/** Longer texts say nothing. */
const textMax = 200

/** A text that can be shown, or nothing. */
export function shortText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= textMax ? value : undefined
}

/** A description of what there is to say. */
export function described(
  topic: string,
  field: string,
  { title, unit, kind }: { title?: string | undefined; unit?: string | undefined; kind?: string | undefined },
): Described[] {
  if (title === undefined && unit === undefined && kind === undefined) return []
  return [
    {
      topic,
      field,
      ...(title === undefined ? {} : { title }),
      ...(unit === undefined ? {} : { unit }),
      ...(kind === undefined ? {} : { kind }),
    },
  ]
}

export type JsonObject = Record<string, unknown>

/** An object of JSON, or nothing. */
export function objectOf(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}

/** A member of its own, so that `constructor` is none. */
export function member(object: JsonObject, ...names: readonly string[]): unknown {
  const name = names.find((one) => Object.hasOwn(object, one))
  return name === undefined ? undefined : object[name]
}

export function parsedObject(payload: Uint8Array): JsonObject | null {
  try {
    return objectOf(
      JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()),
    )
  } catch {
    return null
  }
}
