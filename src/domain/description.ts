// What a device has said of a field elsewhere: its name for people, its unit, its kind. Nothing of it changes a reading.

export interface FieldDescription {
  /** For people to read. */
  title?: string
  /** Under its canonical name where it is known. */
  unit?: string
  /** What the value is, in the words of who describes it: `temperature`, `float`, … */
  kind?: string
}
