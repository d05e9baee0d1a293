// How far a long transfer is, on one line of a terminal that is written over; nothing where nobody looks.

import { Transform } from 'node:stream'
import { type Io, write } from './io.ts'

const progressMs = 200
const barWidth = 24

export interface Progress {
  stream: Transform
  /** About how many bytes will come. */
  expect(bytes: number): void
  end(): Promise<void>
}

/** Counts what goes through. `done` is the verb of what was done with it. */
export function createProgress(io: Io, done: string): Progress {
  const shows = io.stderr.isTTY === true
  const started = performance.now()
  let bytes = 0
  let expected = 0
  let shown = started
  const line = (isOver: boolean): string => {
    const seconds = Math.max(0.001, (performance.now() - started) / 1000)
    const text = `${done} ${(bytes / 1e6).toFixed(1)} MB, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s`
    if (expected === 0) return text
    const share = isOver ? 1 : Math.min(0.99, bytes / expected)
    const full = Math.round(share * barWidth)
    return `[${'#'.repeat(full)}${'-'.repeat(barWidth - full)}] ${Math.round(share * 100)} %  ${text}`
  }
  const stream = new Transform({
    transform(piece: Buffer, _encoding, next) {
      bytes += piece.length
      if (shows && performance.now() - shown > progressMs) {
        shown = performance.now()
        io.stderr.write(`\r${line(false)} `)
      }
      next(null, piece)
    },
  })
  return {
    stream,
    expect(most) {
      expected = most
    },
    async end() {
      if (shows) await write(io.stderr, `\r${line(true)}\n`)
    },
  }
}
