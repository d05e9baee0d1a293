import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createCapture } from '../../../src/ingest/capture.ts'
import { openRules, type Rules } from '../../../src/ingest/rules/open.ts'
import { createLog } from '../../../src/ops/log.ts'
import { createMetrics } from '../../../src/ops/metrics.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'
import { collect, reading } from '../../store/reading.ts'

const log = createLog({ level: 'silent', format: 'json' })
const naming = (name: string): string => `rules:\n  - name: ${name}\n    topic: "#"\n`
let home: string
let file: string
let rules: Rules | undefined

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'amber-rules-'))
  file = join(home, 'rules.yaml')
})

afterEach(() => {
  rules?.close()
  rules = undefined
  rmSync(home, { recursive: true, force: true })
})

const ruleOf = async (): Promise<string | undefined> => {
  const [made] = (await rules?.clean(reading({ topic: 't' }))) ?? []
  return made?.cleaned?.rule
}

test('a file that changes is in force soon after, also when it is replaced by a rename', async () => {
  writeFileSync(file, naming('first'))
  rules = await openRules({ file, profiles: [] }, { log })
  expect(await ruleOf()).toBe('first')
  writeFileSync(`${file}.tmp`, naming('second'))
  renameSync(`${file}.tmp`, file)
  await vi.waitFor(async () => expect(await ruleOf()).toBe('second'), { timeout: 20_000, interval: 50 })
})

test('a file that is not valid keeps the rules in force', async () => {
  const errors: unknown[] = []
  const spy = { ...log, error: (text: unknown) => errors.push(text) } as unknown as typeof log
  writeFileSync(file, naming('first'))
  rules = await openRules({ file, profiles: [] }, { log: spy })
  writeFileSync(file, 'rules:\n  - nme: x\n')
  await vi.waitFor(() => expect(String(errors[0])).toContain('rules.yaml:2'), {
    timeout: 20_000,
    interval: 50,
  })
  expect(await ruleOf()).toBe('first')
})

test('a start with a file that is not valid or not there is refused', async () => {
  await expect(openRules({ file, profiles: [] }, { log })).rejects.toThrow('cannot read the rules file')
  writeFileSync(file, 'rules: 5\n')
  await expect(openRules({ file, profiles: [] }, { log })).rejects.toThrow('rules.yaml:1')
})

test('replaced rules are written and in force; draft rules that are not valid change nothing', async () => {
  writeFileSync(file, naming('first'))
  rules = await openRules({ file, profiles: [] }, { log })
  await expect(rules.replace('rules: 5')).rejects.toThrow('rules.yaml:1')
  expect(await ruleOf()).toBe('first')
  await rules.replace(naming('second'))
  expect(await ruleOf()).toBe('second')
  expect(readFileSync(file, 'utf8')).toBe(naming('second'))
})

test('without a file there is nothing to replace', async () => {
  rules = await openRules({ file: '', profiles: [] }, { log })
  await expect(rules.replace('')).rejects.toThrow('rules.file')
})

test('readings stay in order when one waits for a transform', async () => {
  writeFileSync(file, 'rules:\n  - name: slow\n    topic: slow\n    transform: "$.a"\n')
  rules = await openRules({ file, profiles: [] }, { log })
  const store = createMemoryStore()
  const metrics = createMetrics()
  const capture = createCapture({ store, metrics, clean: rules.clean })
  const publish = (topic: string, payload: string): Promise<number> =>
    new Promise((resolve, reject) =>
      capture(reading({ topic, payload: Buffer.from(payload) }), { awaited: true }, (error, seq) =>
        error ? reject(error) : resolve(seq),
      ),
    )
  const sent = ['slow', 'fast', 'slow', 'fast', 'fast'].map((topic, i) => publish(topic, `{"a":${i}}`))
  const seqs = await Promise.all(sent)
  const [first = 0] = seqs
  expect(seqs).toEqual(seqs.map((_, i) => first + i))
  const stored = await collect(store)
  expect(stored.map(({ payload }) => String(payload))).toEqual([0, 1, 2, 3, 4].map((i) => `{"a":${i}}`))
  expect({ ...stored[2]?.fields }).toEqual({ value: 2 })
  expect(await publish('fast', '1')).toBe(first + 5)
})
