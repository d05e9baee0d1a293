// Makes V8 keep its heap small, at the price of collecting it more often. Both flags are read each time the heap would grow, so
// that they may be set while the process runs; nothing else of V8 is changed.

import { setFlagsFromString } from 'node:v8'

/** For this thread and every other of the process. */
export function keepHeapSmall(): void {
  setFlagsFromString('--optimize-for-size')
  setFlagsFromString('--semi-space-growth-factor=1')
}
