// How much a thread gives way to others of the system: what devices wait for goes before what somebody asks.

import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { basename } from 'node:path'

/** Raises the niceness of the calling thread, where a thread has its own (Linux, sched(7)); elsewhere nothing happens. */
export function yieldToOthers(niceness: number): void {
  try {
    // `self` would be the process; a thread's number works in its place (setpriority(2), notes).
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), niceness)
  } catch {
    // It reads as fast as all else runs.
  }
}
