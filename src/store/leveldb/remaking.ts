// One step of making fields of stored readings again: chooses whole blocks of the next topics, reads them, has them made, and
// hands what is new to the blocks. Only what is in blocks is made again; what came later is rolled when its number asks for it.

import { AppError } from '../../domain/errors.ts'
import type { Cleaned, Reading } from '../../domain/reading.ts'
import type { Remade, Remaker, ThreadRemaker } from '../remaker.ts'
import type { RemakeQuery, RemakeStep } from '../store.ts'
import { fieldsText } from './block/fields.ts'
import type { Keeper } from './keeper.ts'
import type { Loaded } from './load.ts'
import { pausing } from './pausing.ts'
import type { Readings } from './readings.ts'
import type { RemadeTopic } from './roll/remake.ts'

/** Topics of one step; more would be read side by side. */
const topicsMax = 256

interface Deps {
  loaded: Loaded
  keeper: Keeper
  readings: Readings
  /** Whether there is memory for a thread that makes readings again. */
  hasThread: boolean
}

/** Which part of which topics. */
interface Part {
  ids: number[]
  from: number
  to: number
  /** What comes after it. */
  next: RemakeStep['next']
}

export async function remakeStep(deps: Deps, query: RemakeQuery, remaker: Remaker): Promise<RemakeStep> {
  const { keeper } = deps
  await keeper.rollUpTo(query.seqMax)
  query.signal?.throwIfAborted()
  const thread = deps.hasThread ? remaker.thread : null
  const part = nextPart(deps, query)
  if (!part) return { readings: 0, remade: 0, left: 0, next: null }
  const step = thread ? inThread(deps, query, part, thread) : here(deps, query, part, remaker)
  return { ...(await step), next: part.next }
}

type Made = Omit<RemakeStep, 'next'>

function inThread(
  { keeper, loaded }: Deps,
  { seqMax }: RemakeQuery,
  part: Part,
  maker: ThreadRemaker,
): Promise<Made> {
  const { ids, from, to } = part
  const { captures } = loaded
  const topics = ids.map((topicId) => ({ topicId, name: loaded.names.nameOf(topicId) }))
  return keeper.blocks.remakeInPlace({ topics, from, to, seqMax, maker }, (made) => ({
    ids: Uint32Array.from(made.captures, ({ captureId, cleaned }) => captures.changed(captureId, cleaned)),
    captures: [...captures.fresh],
  }))
}

/** Reads the readings, has them made here, and hands what is new to the blocks. */
async function here(
  { keeper, loaded, readings }: Deps,
  { seqMax, signal }: RemakeQuery,
  part: Part,
  remaker: Remaker,
): Promise<Made> {
  const byTopic = new Map<string, Reading[]>()
  const filters = part.ids.map((id) => loaded.names.nameOf(id))
  const range = { filters, from: part.from, to: part.to, order: 'asc' as const, limit: Infinity }
  let seen = 0
  for await (const chunk of readings.range({ ...range, ...(signal ? { signal } : {}) })) {
    for (const reading of chunk) {
      if (reading.seq > seqMax) continue
      seen++
      const list = byTopic.get(reading.topic)
      if (list) list.push(reading)
      else byTopic.set(reading.topic, [reading])
    }
  }
  const topics: RemadeTopic[] = []
  let left = 0
  for (const [topic, list] of byTopic) {
    const { made, left: more } = await remaker.make(list)
    left += more
    signal?.throwIfAborted()
    const remade = await remadeTopic(loaded, { list, made, topicId: loaded.names.idOf(topic) })
    if (remade.seqs.length > 0) topics.push({ ...remade, from: part.from, to: part.to })
  }
  const captures = [...loaded.captures.fresh]
  await keeper.ready
  const remade = topics.length === 0 ? 0 : await keeper.blocks.remake({ topics, captures })
  return { readings: seen, remade, left }
}

/** As many whole blocks as the step may hold, at least one. */
function nextPart({ loaded, keeper }: Deps, query: RemakeQuery): Part | null {
  const { filters, from, to, after, readingsMax } = query
  const { directory } = keeper
  const isShown = (id: number): boolean => directory.between(id, from, to).length > 0
  if (after && after.time < to) {
    const id = loaded.names.idOf(after.topic)
    const part = id < 0 ? null : blocksOf(deps(id, after.time))
    if (part) return part
  }
  const ask = { filters, limit: topicsMax, ...(after ? { after: after.topic } : {}) }
  const ids: number[] = []
  let rows = 0
  for (const id of loaded.select.select(ask, isShown)) {
    const count = directory.between(id, from, to).reduce((sum, entry) => sum + entry.count, 0)
    if (rows + count > readingsMax) {
      if (ids.length === 0) return blocksOf(deps(id, from))
      break
    }
    rows += count
    ids.push(id)
  }
  const last = ids.at(-1)
  if (last === undefined) return null
  return { ids, from, to, next: { topic: loaded.names.nameOf(last), time: to } }

  function deps(id: number, since: number) {
    return {
      id,
      name: loaded.names.nameOf(id),
      entries: directory.between(id, since, to),
      since,
      to,
      readingsMax,
    }
  }
}

/** The first blocks of one topic. Blocks that meet in one millisecond go together. */
function blocksOf({
  id,
  name,
  entries,
  since,
  to,
  readingsMax,
}: {
  id: number
  name: string
  entries: ReturnType<Keeper['directory']['between']>
  since: number
  to: number
  readingsMax: number
}): Part | null {
  let rows = 0
  let end = since
  for (const { tmin, tmax, count } of entries) {
    if (rows > 0 && rows + count > readingsMax && tmin >= end) break
    rows += count
    end = Math.max(end, tmax + 1)
  }
  if (rows === 0) return null
  end = Math.min(end, to)
  return { ids: [id], from: since, to: end, next: { topic: name, time: end } }
}

async function remadeTopic(
  { captures }: Loaded,
  { list, made, topicId }: { list: readonly Reading[]; made: readonly (Remade | null)[]; topicId: number },
): Promise<Omit<RemadeTopic, 'from' | 'to'>> {
  if (made.length !== list.length) throw new AppError('internal', 'not every reading was made again')
  const seqs: number[] = []
  const captureIds: number[] = []
  const texts: Buffer[] = []
  const pause = pausing()
  const captureOf = createCaptureOf(captures)
  for (const [at, reading] of list.entries()) {
    const remade = made[at]
    if (!remade) continue
    seqs.push(reading.seq)
    captureIds.push(captureOf(reading, remade.cleaned))
    texts.push(Buffer.from(fieldsText(remade.fields)))
    if ((at & 63) === 63) await pause()
  }
  const lengths = Uint32Array.from(texts, (text) => text.length)
  const offsets = new Uint32Array(lengths.length)
  for (let i = 1; i < offsets.length; i++) offsets[i] = offsets[i - 1]! + lengths[i - 1]!
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + text.length, 0))
  for (const [i, text] of texts.entries()) bytes.set(text, offsets[i])
  return {
    topicId,
    seqs: Float64Array.from(seqs),
    captureIds: Uint32Array.from(captureIds),
    fields: { bytes, offsets, lengths },
  }
}

/** Numbers of capture data; the readings of a topic mostly have the same, one after another. */
function createCaptureOf(
  captures: Loaded['captures'],
): (reading: Reading, cleaned: Cleaned | undefined) => number {
  let last: Reading | null = null
  let lastText: string | undefined
  let lastCleaned: Cleaned | undefined
  let id = 0
  return (reading, cleaned) => {
    const text = cleaned === lastCleaned ? lastText : JSON.stringify(cleaned)
    lastCleaned = cleaned
    if (last && text === lastText && hasSameSender(reading, last)) return id
    const { cleaned: _before, ...rest } = reading
    id = captures.idOf(cleaned ? { ...rest, cleaned } : rest)
    last = reading
    lastText = text
    return id
  }
}

function hasSameSender(a: Reading, b: Reading): boolean {
  return (
    a.clientId === b.clientId &&
    a.qos === b.qos &&
    a.retain === b.retain &&
    a.dup === b.dup &&
    a.source === b.source &&
    a.user === b.user &&
    a.properties === null &&
    b.properties === null
  )
}
