// A whole store exported as NDJSON by a real server, read and thrown away: speed, CPU of the main thread, and memory.

import { request } from 'node:http'
import { account, startAmber, startServer } from '../store/amber.ts'
import type { ClimateSize } from '../store/climate.ts'
import { mainThreadUsOf, memoryOf } from '../store/process.ts'

export interface ExportFigures {
  perSecond: number
  perMainSecond: number
  megabytesPerSecond: number
  /** The most there ever was. */
  rssMb: number
}

export async function measureExport(parent: string, size: ClimateSize): Promise<ExportFigures> {
  const amber = startAmber(`${parent}/export`, size)
  await amber.load()
  const server = await startServer(amber.home)
  const pid = server.process.pid ?? 0
  try {
    const [started, cpuUs] = [performance.now(), mainThreadUsOf(pid)]
    const { bytes, lines } = await take(server.httpPort, '/api/v1/export')
    const elapsedS = (performance.now() - started) / 1000
    const count = Math.floor(size.readings / size.topics) * size.topics
    if (lines !== count) throw new Error(`${lines} lines of ${count} readings`)
    return {
      perSecond: lines / elapsedS,
      perMainSecond: lines / ((mainThreadUsOf(pid) - cpuUs) / 1e6),
      megabytesPerSecond: bytes / 1e6 / elapsedS,
      rssMb: memoryOf(pid, 'VmHWM') / 1e6,
    }
  } finally {
    await server.stop()
  }
}

/** Reads an answer and counts its lines. */
function take(port: number, path: string): Promise<{ bytes: number; lines: number }> {
  return new Promise((resolve, reject) => {
    const auth = `${account.username}:${account.password}`
    const sent = request({ host: '127.0.0.1', port, path, auth }, (response) => {
      let bytes = 0
      let lines = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
      })
      response.on('end', () => resolve({ bytes, lines }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}
