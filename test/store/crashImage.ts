// What kill -9 would leave of an open store: a copy of its files as they stand, taken when no compaction is changing them.

import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const attempts = 200

/** A new directory, to be removed by the caller. */
export async function copyCrashed(path: string): Promise<string> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const copy = mkdtempSync(join(tmpdir(), 'amber-crashed-'))
    const before = listing(path)
    try {
      cpSync(path, copy, { recursive: true })
      if (before !== null && before === listing(path)) return copy
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    rmSync(copy, { recursive: true, force: true })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${path} never stood still`)
}

/** Names, sizes and times of the files; `null` while one goes away. */
function listing(path: string): string | null {
  try {
    return readdirSync(path)
      .map((name) => {
        const { size, mtimeMs } = statSync(join(path, name))
        return `${name} ${size} ${mtimeMs}`
      })
      .join()
  } catch {
    return null
  }
}
