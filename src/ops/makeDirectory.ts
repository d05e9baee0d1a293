// Makes a directory and what is missing above it. Node's own `recursive` option never returns where the system answers
// ENOENT to every mkdir, as below /proc: here each level is tried twice at most.

import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** Rejects with the system's error (ENOENT, EACCES, ENOTDIR, …) when it cannot be made. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const full = resolve(path)
  try {
    await mkdir(full, { mode })
    return
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST' && (await stat(full)).isDirectory()) return
    if (code !== 'ENOENT' || dirname(full) === full || (await isThere(dirname(full)))) throw error
  }
  await makeDirectory(dirname(full), mode)
  await mkdir(full, { mode })
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}
