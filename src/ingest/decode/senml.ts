// Sensor Measurement Lists (RFC 8428), from JSON or CBOR: base values are resolved, and each record is one of its own with
// its time. A pack that is not wholly SenML is none: it is then read as the JSON or CBOR that it also is.

import { type Decoded, type Format, Leaves, nothing } from './decoded.ts'

/** CBOR labels [RFC 8428, table 4]. */
const labels = new Map([
  ['-1', 'bver'],
  ['-2', 'bn'],
  ['-3', 'bt'],
  ['-4', 'bu'],
  ['-5', 'bv'],
  ['-6', 'bs'],
  ['0', 'n'],
  ['1', 'u'],
  ['2', 'v'],
  ['3', 'vs'],
  ['4', 'vb'],
  ['5', 's'],
  ['6', 't'],
  ['7', 'ut'],
  ['8', 'vd'],
])

const textLabels = ['bn', 'bu', 'n', 'u', 'vs', 'vd']
const numberLabels = ['bver', 'bt', 'bv', 'bs', 'v', 's', 't', 'ut']
const versionMax = 10
/** Smaller times count from now [RFC 8428, 4.5.3]. */
const relativeBelow = 2 ** 28
const nameText = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/

type Entry = Record<string, unknown>

interface Base {
  bn: string
  bt: number
  bu: string
  bv: number
  bs: number
}

/** The records of a pack; `null` when `root` is no SenML. `receivedAt` is what relative times count from. */
export function decodeSenml(root: unknown, format: Format, receivedAt: number | undefined): Decoded | null {
  if (!Array.isArray(root) || root.length === 0) return null
  const entries = root.map(entryOf)
  if (!entries.every((entry) => entry !== null) || !entries.some(hasValue)) return null
  // RFC 8428, 4.4: a label that ends in _ must be understood, or the pack is not processed.
  if (entries.some((entry) => Object.keys(entry).some((label) => label.endsWith('_')))) {
    return nothing(format, 'invalid')
  }
  const leaves = new Leaves()
  const base: Base = { bn: '', bt: 0, bu: '', bv: 0, bs: 0 }
  for (const entry of entries) {
    Object.assign(base, pick(entry))
    if (!hasValue(entry)) continue
    const name = base.bn + ((entry['n'] as string | undefined) ?? '')
    if (!nameText.test(name)) return null
    setValues(leaves, name, entry, base)
    const unit = ((entry['u'] as string | undefined) ?? base.bu) || null
    const seconds = base.bt + ((entry['t'] as number | undefined) ?? 0)
    leaves.end({ time: timeOf(seconds, receivedAt), ...(unit === null ? {} : { units: { [name]: unit } }) })
  }
  return leaves.decoded(format)
}

function setValues(leaves: Leaves, name: string, entry: Entry, base: Base): void {
  const { v, s } = entry
  if (typeof v === 'number') leaves.set(name, base.bv === 0 ? v : v + base.bv)
  else if (v !== undefined) leaves.set(name, base.bv === 0 ? v : Number(v) + base.bv)
  for (const label of ['vs', 'vb', 'vd']) if (entry[label] !== undefined) leaves.set(name, entry[label])
  if (typeof s === 'number') leaves.set(`${name}.sum`, s + base.bs)
}

function pick(entry: Entry): Partial<Base> {
  const found: Record<string, unknown> = {}
  for (const label of ['bn', 'bt', 'bu', 'bv', 'bs'])
    if (entry[label] !== undefined) found[label] = entry[label]
  return found as Partial<Base>
}

/** An entry with text labels, or `null` when a label has the wrong type. */
function entryOf(value: unknown): Entry | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const entry = Object.create(null) as Entry
  for (const [key, member] of Object.entries(value)) entry[labels.get(key) ?? key] = member
  const wrong = (label: string, type: string): boolean =>
    // oxlint-disable-next-line valid-typeof -- one of two literals
    entry[label] !== undefined && typeof entry[label] !== type
  if (textLabels.some((label) => wrong(label, 'string')) || wrong('vb', 'boolean')) return null
  if (numberLabels.some((label) => wrong(label, 'number') && (label !== 'v' || wrong('v', 'bigint'))))
    return null
  if (entry['n'] === undefined && entry['bn'] === undefined && !hasValue(entry)) return null
  if (['v', 'vs', 'vb', 'vd'].filter((label) => entry[label] !== undefined).length > 1) return null
  return ((entry['bver'] as number | undefined) ?? 0) > versionMax ? null : entry
}

function hasValue(entry: Entry | null): boolean {
  return entry !== null && ['v', 'vs', 'vb', 'vd', 's'].some((label) => entry[label] !== undefined)
}

function timeOf(seconds: number, receivedAt: number | undefined): number | null {
  if (seconds >= relativeBelow) return Math.round(seconds * 1000)
  return seconds === 0 || receivedAt === undefined ? null : receivedAt + Math.round(seconds * 1000)
}
