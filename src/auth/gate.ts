// Lets a bounded number of jobs run at a time; a bounded number waits in line, and what comes on top is refused,
// so that a storm of logins takes neither all threads nor all memory.

import { AppError } from '../domain/errors.ts'

export interface Gate {
  /** Runs `job` when its turn comes. Throws `rate_limited` when the line is full. */
  run<T>(job: () => Promise<T>): Promise<T>
}

export function createGate({ concurrency, waitingMax }: { concurrency: number; waitingMax: number }): Gate {
  const waiting: (() => void)[] = []
  let head = 0
  let running = 0

  // A turn is handed on, so that `running` only falls when nobody waits.
  const next = (): void => {
    const start = waiting[head]
    if (start === undefined) {
      running--
      return
    }
    head++
    if (head > 1024 && head * 2 > waiting.length) {
      waiting.splice(0, head)
      head = 0
    }
    start()
  }

  return {
    async run(job) {
      if (running < concurrency) {
        running++
      } else if (waiting.length - head < waitingMax) {
        await new Promise<void>((resolve) => waiting.push(resolve))
      } else {
        throw new AppError(
          'rate_limited',
          'too many logins are waiting for their password check; try again in a second',
        )
      }
      try {
        return await job()
      } finally {
        next()
      }
    },
  }
}
