// SQLite through its own shell: a table of numbers ordered by device and time, timed by the shell itself, in one process and
// without HTTP, which favours it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Climate, topicName } from '../climate.ts'
import { cpuUsOf, settledBytes } from '../process.ts'
import { type Answer, meanKey, type Question, type System } from '../question.ts'

export async function startSqlite(program: string, home: string, climate: Climate): Promise<System> {
  const file = join(home, `sqlite-${climate.topics}`, 'readings.db')
  mkdirSync(join(file, '..'))
  const child = spawn(program, [file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  /** What the shell prints for some statements, up to a mark. */
  const run = async (script: string): Promise<string[]> => {
    child.stdin.write(`${script}\n.print END\n`)
    const found: string[] = []
    for (let next = await lines.next(); next.value !== 'END'; next = await lines.next()) {
      if (next.done) throw new Error(`sqlite3 ended at ${script.slice(0, 200)}`)
      found.push(next.value)
    }
    return found
  }
  await run(
    `PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-262144; PRAGMA mmap_size=4000000000;
CREATE TABLE r(device INTEGER, time INTEGER, temperature REAL, humidity REAL, PRIMARY KEY(device, time)) WITHOUT ROWID;
.mode csv`,
  )
  return {
    name: 'SQLite',
    async load() {
      const table = `${file}.csv`
      await writeTable(table, climate)
      const [started, cpu] = [performance.now(), cpuUsOf(child.pid ?? 0)]
      await run(`.import ${table} r`)
      const loaded = { wallMs: performance.now() - started, cpuUs: cpuUsOf(child.pid ?? 0) - cpu }
      rmSync(table)
      return loaded
    },
    async settle() {
      await run('PRAGMA wal_checkpoint(TRUNCATE);')
      return settledBytes(join(file, '..'))
    },
    async ask(question) {
      const found = await run(`.timer on\n${statementOf(question)}\n.timer off`)
      const timer = /real ([\d.]+)/.exec(found.pop() ?? '')?.[1]
      return { elapsedMs: Number(timer) * 1000, answer: () => read(question, found) }
    },
    async stop() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

async function writeTable(path: string, climate: Climate): Promise<void> {
  const out = createWriteStream(path)
  const rowsAChunk = 20_000
  for (let from = 0; from < climate.count; from += rowsAChunk) {
    let text = ''
    for (let i = from; i < Math.min(climate.count, from + rowsAChunk); i++) {
      const [t, h] = [climate.temperatures[i]! / 10, climate.humidities[i]! / 10]
      text += `${climate.devices[i]},${climate.times[i]},${t},${h}\n`
    }
    if (!out.write(text)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'close')
}

function statementOf(question: Question): string {
  switch (question.kind) {
    case 'range': {
      const { device, from, to } = question
      return `SELECT time, temperature, humidity FROM r WHERE device=${device} AND time>=${from} AND time<${to} ORDER BY time;`
    }
    case 'mean': {
      const { device, from, to, everyMs } = question
      const bucket = `${from} + (time - ${from}) / ${everyMs} * ${everyMs}`
      const only = device === null ? '' : `device=${device} AND`
      return `SELECT device, ${bucket} AS b, avg(temperature) FROM r WHERE ${only} time>=${from} AND time<${to} GROUP BY device, b;`
    }
    case 'latest':
      return `WITH RECURSIVE d(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM d WHERE n<${question.count - 1}) SELECT n, (SELECT temperature FROM r WHERE device=n ORDER BY time DESC LIMIT 1) FROM d;`
  }
}

function read(question: Question, lines: readonly string[]): Answer {
  const answer: Answer = new Map()
  for (const line of lines) {
    const [first = '', second = '', third = ''] = line.trim().split(',')
    if (question.kind === 'range') answer.set(first, Number(second))
    else if (question.kind === 'latest') answer.set(topicName(Number(first)), Number(second))
    else answer.set(meanKey(topicName(Number(first)), Number(second)), Number(third))
  }
  return answer
}
