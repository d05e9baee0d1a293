import { expect, test } from 'vitest'
import { createCapture } from '../../../src/ingest/capture.ts'
import { openRules } from '../../../src/ingest/rules/open.ts'
import { previewRules } from '../../../src/ingest/rules/preview.ts'
import { createLog } from '../../../src/ops/log.ts'
import { createMetrics } from '../../../src/ops/metrics.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'
import { reading } from '../../store/reading.ts'
import { readMessages } from '../score.ts'

const log = createLog({ level: 'silent', format: 'json' })
const everything = { filters: [], mayRead: () => true, limit: 1000 }

/** Every real message, captured with `profiles`. */
async function captured(profiles: readonly string[]) {
  const rules = await openRules({ file: '', profiles }, { log })
  const store = createMemoryStore()
  const capture = createCapture({ store, metrics: createMetrics(), clean: rules.clean })
  const receivedAt = Date.parse('2026-11-24T12:00:00Z')
  for (const { topic, payload } of readMessages()) {
    await new Promise<void>((resolve, reject) =>
      capture(reading({ topic, payload, time: receivedAt, receivedAt }), { awaited: true }, (error) =>
        error ? reject(error) : resolve(),
      ),
    )
  }
  return { rules, store }
}

test.each([[[]], [['all']]])(
  'the rules %j make of what is stored what they made of it when it came',
  async (profiles) => {
    const { rules, store } = await captured(profiles)
    const rows = await previewRules({ store, clean: rules.trial(rules.current) }, everything)
    expect(rows.length).toBe(readMessages().length)
    expect(rows.filter(({ isChanged }) => isChanged).map(({ before }) => before.topic)).toEqual([])
  },
)

test('other rules show which messages would change', async () => {
  const { rules, store } = await captured([])
  const draft = rules.compile('rules:\n  - { name: plug, topic: tele/pow1/SENSOR, drop: ["ENERGY.*"] }\n')
  const rows = await previewRules({ store, clean: rules.trial(draft) }, everything)
  const changed = rows.filter(({ isChanged }) => isChanged)
  expect(changed.map(({ before }) => before.topic)).toEqual(['tele/pow1/SENSOR'])
  expect(Object.keys(changed[0]?.after[0]?.fields ?? {}).some((name) => name.startsWith('ENERGY'))).toBe(
    false,
  )
})
