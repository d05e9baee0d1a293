// Notices that a file changed, also when an editor replaces it by a rename, and also where the system has no
// notifications (network drives, files mounted into a container), then within a few seconds.

import { type FSWatcher, unwatchFile, watch, watchFile } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Log } from '../ops/log.ts'

const settleMs = 150
const pollMs = 5000

/** Calls `onChange` once things have settled for a moment after a change. The caller compares contents. */
export function watchFiles(
  paths: readonly string[],
  { log, onChange }: { log: Log; onChange: () => void },
): { close(): void } {
  let timer: NodeJS.Timeout | undefined
  const later = (): void => {
    clearTimeout(timer)
    timer = setTimeout(onChange, settleMs)
    timer.unref()
  }
  const watchers: FSWatcher[] = []
  for (const path of paths) {
    watchFile(path, { persistent: false, interval: pollMs }, later)
    try {
      // The directory, since a watch on the file itself dies with a rename; `..` names are Kubernetes' mounts.
      const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(path) || name.startsWith('..')) later()
      })
      watcher.on('error', (error) => log.debug({ err: error, path }, 'no notifications; the file is polled'))
      watchers.push(watcher)
    } catch (error) {
      log.debug({ err: error, path }, 'no notifications; the file is polled')
    }
  }
  return {
    close() {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
      for (const path of paths) unwatchFile(path, later)
    },
  }
}
