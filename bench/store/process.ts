// What the operating system knows of a process and of a directory: CPU, memory, bytes.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const ticksPerSecond = 100

/** User and system time of all threads in microseconds, see proc(5). */
export function cpuUsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6
}

/** Time on a core of the main thread alone in microseconds. */
export function mainThreadUsOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000
}

/** Resident memory in bytes: now, or the most there ever was. */
export function memoryOf(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1]) * 1024
}

export function bytesBelow(path: string): number {
  return readdirSync(path, { withFileTypes: true }).reduce((sum, entry) => {
    const at = join(path, entry.name)
    return sum + (entry.isDirectory() ? bytesBelow(at) : sizeOf(at))
  }, 0)
}

/** A file that went away meanwhile counts nothing. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

const stableMs = 3000
const waitedMsMax = 60_000

/** Bytes below `path` once they have not changed for a while. */
export async function settledBytes(path: string): Promise<number> {
  const started = Date.now()
  let bytes = bytesBelow(path)
  let since = Date.now()
  while (Date.now() - since < stableMs && Date.now() - started < waitedMsMax) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const now = bytesBelow(path)
    if (now !== bytes) since = Date.now()
    bytes = now
  }
  return bytes
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
