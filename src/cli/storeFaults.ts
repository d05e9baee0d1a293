// Faults of a store as lines for people.

import { printable } from '../domain/topic.ts'
import type { StoreFault } from '../store/leveldb/check.ts'
import { type Io, write } from './io.ts'

export async function describeFaults(io: Io, faults: readonly StoreFault[]): Promise<void> {
  for (const { what, why, isMendable } of faults) {
    const end = isMendable ? 'amber repair makes it again' : 'it cannot be made again'
    await write(io.stderr, `${printable(what)}: ${printable(why)}; ${end}\n`)
  }
}
