// How many sockets the system's limit on open files leaves room for. Clients may never take the last of them: the store opens
// files as it goes, and refuses publishes when it cannot.

import { readFileSync } from 'node:fs'

/** Connections at one time. */
export interface Room {
  mqtt: number
  http: number
}

/** Files the process may have open, see proc(5); infinite where the system does not say. */
export function openFilesMax(path = '/proc/self/limits'): number {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    return Number.POSITIVE_INFINITY
  }
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1]
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

/** LevelDB takes a fifth of all files for tables; logs, threads and who waits for a place take these. */
const filesBeside = 128
const httpPart = 1 / 4

/** What of `files` is for connections. */
export function roomOf(files: number): Room {
  const sockets = Math.max(8, files * 0.8 - filesBeside)
  return { mqtt: Math.floor(sockets * (1 - httpPart)), http: Math.floor(sockets * httpPart) }
}
