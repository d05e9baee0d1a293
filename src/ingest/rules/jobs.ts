// Jobs that make the fields of stored readings again, one at a time and in the background. A job is kept in a file with its place,
// so that it goes on after a restart; rules that change meanwhile make it begin again, so that one version made all of it.

import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { AppError, asAppError } from '../../domain/errors.ts'
import type { Log } from '../../ops/log.ts'
import type { Remaker } from '../../store/remaker.ts'
import type { ReadingStore, RemakePosition } from '../../store/store.ts'
import type { Rules } from './open.ts'
import { remakeReadings } from './reprocess.ts'
import { type RowMakerData, rowMakerModule } from './rowMakerModule.ts'

export type JobKind = 'reprocess' | 'replay'
export type JobState = 'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled'
export type JobAction = 'pause' | 'resume' | 'cancel'

export interface Job {
  id: string
  /** `replay`: only readings that were refused. */
  kind: JobKind
  state: JobState
  /** Empty: every topic. */
  filters: readonly string[]
  /** Milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  /** Version of the rules. */
  rules: string
  /** Readings in the range when it began, looked at, made anew, and left because they cannot be made again on their own. */
  total: number
  readings: number
  remade: number
  left: number
  createdAt: number
  endedAt: number | null
  error: string | null
  /** Readings up to this number: what came later was made by the rules anyhow. */
  seqMax: number
  position: RemakePosition | null
}

export interface Jobs {
  start(ask: Pick<Job, 'kind' | 'filters' | 'from' | 'to'>): Promise<Job>
  /** Newest first. */
  list(): readonly Job[]
  /** Throws `not_found`. */
  get(id: string): Job
  /** Throws `not_found`, or `conflict` when its state does not allow it. */
  act(id: string, action: JobAction): Promise<Job>
  close(): Promise<void>
}

export interface JobsDeps {
  store: Pick<ReadingStore, 'remake' | 'remove' | 'status'>
  rules: Pick<Rules, 'current' | 'trial'>
  log: Log
}

/** Ended jobs that are remembered. */
const endedMax = 100
/** Readings of one step: its blocks are written in one batch, which commits have to wait for. */
const readingsMax = 4096
/** Where a job is, is written down no more often: steps that were done already are done again after a crash. */
const savedEveryMs = 500

/** `file`: where jobs are kept; empty: they end with the process. */
export async function openJobs(deps: JobsDeps, { file }: { file: string }): Promise<Jobs> {
  const runner = new JobRunner(deps, file, await readJobs(file))
  runner.run()
  return runner
}

class JobRunner implements Jobs {
  readonly #deps: JobsDeps
  readonly #file: string
  #jobs: Job[]
  #running: Promise<void> | null = null
  #saving: Promise<void> = Promise.resolve()
  #savedAt = 0
  readonly #abort = new AbortController()

  constructor(deps: JobsDeps, file: string, jobs: Job[]) {
    this.#deps = deps
    this.#file = file
    this.#jobs = jobs.map((job) => (job.state === 'running' ? { ...job, state: 'waiting' } : job))
  }

  async start({ kind, filters, from, to }: Pick<Job, 'kind' | 'filters' | 'from' | 'to'>): Promise<Job> {
    const job: Job = {
      id: String(1 + this.#jobs.reduce((most, { id }) => Math.max(most, Number(id)), 0)),
      kind,
      state: 'waiting',
      filters,
      from,
      to,
      rules: '',
      total: 0,
      readings: 0,
      remade: 0,
      left: 0,
      createdAt: Date.now(),
      endedAt: null,
      error: null,
      seqMax: 0,
      position: null,
    }
    await this.#begin(job)
    this.#jobs.push(job)
    await this.#save()
    this.run()
    return { ...job }
  }

  list(): readonly Job[] {
    return this.#jobs.map((job) => ({ ...job })).reverse()
  }

  get(id: string): Job {
    return { ...this.#find(id) }
  }

  async act(id: string, action: JobAction): Promise<Job> {
    const job = this.#find(id)
    const { state } = job
    if (!allowed[action].includes(state)) {
      throw new AppError('conflict', `job ${id} is ${state}; ${action} is for ${allowed[action].join(', ')}`)
    }
    job.state = next[action]
    job.error = null
    job.endedAt = action === 'cancel' ? Date.now() : null
    await this.#save()
    this.run()
    return { ...job }
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#running
    await this.#save()
    await this.#saving
  }

  /** Works until no job waits. */
  run(): void {
    this.#running ??= this.#work().finally(() => {
      this.#running = null
      if (this.#next()) this.run()
    })
  }

  #next(): Job | undefined {
    return this.#abort.signal.aborted ? undefined : this.#jobs.find(({ state }) => state === 'waiting')
  }

  async #work(): Promise<void> {
    for (let job = this.#next(); job; job = this.#next()) {
      job.state = 'running'
      try {
        await this.#finish(job)
      } catch (error) {
        if (this.#abort.signal.aborted) return
        const { message } = asAppError(error)
        this.#deps.log.error({ err: error, job: job.id }, 'a job over stored readings failed')
        Object.assign(job, { state: 'failed', error: message, endedAt: Date.now() } satisfies Partial<Job>)
        await this.#save()
      }
    }
  }

  async #finish(job: Job): Promise<void> {
    const { rules } = this.#deps
    let remaker = this.#remakerOf(job)
    while (job.state === 'running' && !this.#abort.signal.aborted) {
      if (rules.current.version !== job.rules) {
        await this.#begin(job)
        remaker = this.#remakerOf(job)
      }
      const isLast = await this.#step(job, remaker)
      if (isLast && job.state === 'running') {
        job.state = 'done'
        job.endedAt = Date.now()
      }
      if (job.state === 'running' && performance.now() - this.#savedAt < savedEveryMs) continue
      await this.#save()
    }
  }

  #remakerOf({ kind }: Job): Remaker {
    const { rules } = this.#deps
    const { source } = rules.current
    const clean = rules.trial(rules.current)
    const onlyRefused = kind === 'replay'
    const data = source && ({ source, onlyRefused } satisfies RowMakerData)
    return {
      make: (readings) => remakeReadings({ clean, onlyRefused }, readings),
      thread: data && { module: rowMakerModule, data, key: randomUUID() },
    }
  }

  async #step(job: Job, remaker: Remaker): Promise<boolean> {
    const { filters, from, to, seqMax, position } = job
    const after = position ? { after: position } : {}
    const query = { filters, from, to, seqMax, readingsMax, signal: this.#abort.signal, ...after }
    const step = await this.#deps.store.remake(query, remaker)
    job.readings += step.readings
    job.remade += step.remade
    job.left += step.left
    job.position = step.next
    return step.next === null
  }

  /** From the start, under the rules in force. */
  async #begin(job: Job): Promise<void> {
    const { store, rules } = this.#deps
    const { filters, from, to } = job
    job.rules = rules.current.version
    job.seqMax = store.status.lastSeq
    job.position = null
    job.total = (await store.remove({ filters, from, to, isDryRun: true })).readings
    Object.assign(job, { readings: 0, remade: 0, left: 0 } satisfies Partial<Job>)
    await this.#save()
  }

  #find(id: string): Job {
    const job = this.#jobs.find((one) => one.id === id)
    if (!job) throw new AppError('not_found', `there is no job ${id}`)
    return job
  }

  #save(): Promise<void> {
    this.#savedAt = performance.now()
    const ended = this.#jobs.filter(({ endedAt }) => endedAt !== null)
    const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - endedMax)))
    this.#jobs = this.#jobs.filter((job) => !forgotten.has(job))
    if (this.#file === '') return Promise.resolve()
    const write = async (): Promise<void> => {
      await writeFile(`${this.#file}.new`, JSON.stringify(this.#jobs), { mode: 0o600, flush: true })
      await rename(`${this.#file}.new`, this.#file)
    }
    const saved = this.#saving.then(write, write)
    this.#saving = saved.catch(() => undefined)
    return saved
  }
}

const allowed: Record<JobAction, readonly JobState[]> = {
  pause: ['waiting', 'running'],
  resume: ['paused', 'failed'],
  cancel: ['waiting', 'running', 'paused'],
}
const next: Record<JobAction, JobState> = { pause: 'paused', resume: 'waiting', cancel: 'cancelled' }

async function readJobs(file: string): Promise<Job[]> {
  if (file === '') return []
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Job[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new AppError(
      'store_corrupt',
      `the jobs in ${file} cannot be read; move the file away to start without them`,
      {
        cause: error,
      },
    )
  }
}
