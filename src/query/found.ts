// A reading as answers show it: with the fields that cleaning, or the decoder, made of it. Fields are worked out when they are
// looked at, because many answers only repeat the payload.

import type { Fields, Reading } from '../domain/reading.ts'

export interface FoundReading {
  readonly reading: Reading
  readonly fields: Fields
  /** The payload's text when that is also the JSON text of its fields; `null` when it is not, or not known to be. */
  readonly flat: string | null
}

/** How payloads are read. */
export interface Reader {
  fieldsOf: (topic: string, payload: Uint8Array) => Fields | null
  /** As `FoundReading.flat`. Without it nothing is known to be flat. */
  flatText?: (topic: string, payload: Uint8Array) => string | null
}

const none: Fields = Object.create(null) as Fields

export class DecodedReading implements FoundReading {
  readonly reading: Reading
  readonly #reader: Reader
  #fields: Fields | null = null

  constructor(reading: Reading, reader: Reader) {
    this.reading = reading
    this.#reader = reader
  }

  get fields(): Fields {
    return (this.#fields ??=
      this.#stored() ?? this.#reader.fieldsOf(this.reading.topic, this.reading.payload) ?? none)
  }

  get flat(): string | null {
    if (this.#stored() !== null) return null
    return this.#reader.flatText?.(this.reading.topic, this.reading.payload) ?? null
  }

  /** The reading of a whole message stores no fields, so that nothing counts twice: its records do. */
  #stored(): Fields | null {
    return this.reading.cleaned?.record === 0 ? null : this.reading.fields
  }
}
