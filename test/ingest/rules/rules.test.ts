import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import { createFilterTrie } from '../../../src/domain/filterTrie.ts'
import { matches } from '../../../src/domain/topic.ts'
import { globMatcher } from '../../../src/ingest/rules/fieldStep.ts'
import { createRuleSet } from '../../../src/ingest/rules/ruleSet.ts'
import { applier, files, receivedAt, ruleSet } from './apply.ts'

function problemsOf(text: string): string[] {
  try {
    ruleSet(text)
  } catch (error) {
    if (error instanceof AppError) return error.problems.map(({ path, message }) => `${path} ${message}`)
    throw error
  }
  return []
}

const rule = (rest: string): string => `rules:\n  - name: a\n    topic: t\n${rest}`

describe('a rules file that is not valid', () => {
  test.each([
    [rule('    feilds: {}\n'), 'rules.yaml:4 there is no key "feilds" here; did you mean "fields"?'],
    [
      rule('    fields:\n      t: { mim: 1 }\n'),
      'rules.yaml:5 there is no key "mim" here; did you mean "min"?',
    ],
    [
      rule('    store: raw\n'),
      'rules.yaml:4 rule "a", store must be one of raw+fields, fields, none, not "raw"',
    ],
    [
      rule('    dedupe: { window: soon }\n'),
      'rules.yaml:4 rule "a", dedupe.window must be a length of time such as 30s, 5m or 90d',
    ],
    ['rule:\n  - name: a\n', 'rules.yaml:1 there is no key "rule" here; did you mean "rules"?'],
    [
      'profiles: [tasmota]\nrules:\n  - name: a\n    topic: t\n    feilds:\n      t: {}\n',
      'rules.yaml:5 there is no key "feilds" here',
    ],
    [rule('    samples: 3\n'), 'rules.yaml:4 rule "a", samples must be'],
    ['zone: Berlin\n', 'rules.yaml:1 zone: "Berlin" is no time zone; write Europe/Berlin, UTC or +01:00'],
    ['rules:\n  - topic: t\n', 'rules.yaml:2 rule 1 needs the key "name"'],
    ['rules:\n  - name: a\n    topic: a/#/b\n', 'rules.yaml:3 rule "a", topic:'],
    [rule('    where: "fields.t >"\n'), 'rules.yaml:4 rule "a", where:'],
    [
      rule('    where: "temperature > 1"\n'),
      'rules.yaml:4 rule "a", where: there is no "temperature"; a field is fields.temperature',
    ],
    [
      rule('    where: "fields.t.matches(\'(x+)+y\')"\n'),
      'rules.yaml:4 rule "a", where: matches() may take very long',
    ],
    [rule('    transform: "$sum("\n'), 'rules.yaml:4 rule "a", transform:'],
    [rule('    transform: "$match(a, /(x+)+y/)"\n'), 'rules.yaml:4 rule "a", transform: regular expressions'],
    [
      rule('    fields: { t: { unit: "°C -> kWh" } }\n'),
      'rules.yaml:4 rule "a", fields.t: there is no conversion from "°C" to "kWh"',
    ],
    [
      rule('    time: { path: t, zone: Mars/Olympus }\n'),
      'rules.yaml:4 rule "a", time: "Mars/Olympus" is no time zone',
    ],
    [
      rule('    time: { path: t, format: whenever }\n'),
      'rules.yaml:4 rule "a", time: "whenever" is no format of times',
    ],
    [
      rule('    schema: ../secret.json\n'),
      'rules.yaml:4 rule "a", schema: there is no file "../secret.json"',
    ],
    [
      rule('    schema: ../messages.jsonl\n'),
      'rules.yaml:4 rule "a", schema: "../messages.jsonl" is outside',
    ],
    [
      rule('    decode: protobuf\n'),
      'rules.yaml:4 rule "a", decode: needs `protobuf: { file, message }` beside it',
    ],
    ['profiles: [tasmoto]\n', 'rules.yaml:1 there is no profile "tasmoto"'],
    [
      'rules:\n  - name: a\n    topic: t\n  - name: a\n    topic: u\n',
      'rules.yaml:4 there are two rules named "a"',
    ],
    ['rules: [\n', 'rules.yaml:2 a quote, bracket, comma or colon is missing'],
  ])('%j is refused with its line and key', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem)
  })

  test('every fault is named, not only the first', () => {
    expect(problemsOf(rule('    where: "x"\n    transform: "$sum("\n'))).toHaveLength(2)
  })
})

test('an empty file has no rules', () => {
  expect(ruleSet('').rules).toEqual([])
})

test('the version is the same for the same rules and another for others', () => {
  expect(ruleSet(rule('')).version).toBe(ruleSet(`# a comment\n${rule('')}`).version)
  expect(ruleSet(rule('')).version).not.toBe(ruleSet(rule('    also: true\n')).version)
})

describe('a rule at work', () => {
  const refusedBy = async (rest: string, payload: string) =>
    (await applier(rule(rest))('t', payload))[0]?.cleaned?.refused

  test('a value out of its range refuses the reading, keeps its payload and says why', async () => {
    const [made] = await applier(rule('    fields: { v: { max: 5 } }\n'))('t', '{"v":6,"w":1}')
    expect(made?.cleaned?.refused).toEqual({ rule: 'a', field: 'v', reason: 'is above max 5' })
    expect({ ...made?.fields }).toEqual({})
    expect(String(made?.payload)).toBe('{"v":6,"w":1}')
  })

  test('a text that is no number refuses the reading', async () => {
    expect(await refusedBy('    fields: { v: { type: number } }\n', '{"v":"warm"}')).toMatchObject({
      reason: 'is no number',
    })
    expect(await refusedBy('    fields: { v: { type: integer } }\n', '{"v":1.5}')).toMatchObject({
      reason: 'is no integer',
    })
  })

  test('a rule that asks for a number takes zeros in front', async () => {
    const [made] = await applier(rule('    fields: { v: { type: number } }\n'))('t', '{"v":"0012"}')
    expect({ ...made?.fields }).toEqual({ v: 12 })
  })

  test('where over a field that is not there refuses with what is missing', async () => {
    expect(await refusedBy('    where: fields.x > 1\n', '{"v":1}')).toMatchObject({
      reason: 'where: No such key: x',
    })
  })

  test('a transform that never ends is stopped, and the reading refused', async () => {
    const forever = '    transform: "($f := function($x){ $f($x + 1) }; $f(1))"\n'
    expect((await refusedBy(forever, '{"v":1}'))?.reason).toMatch(/^transform: (took too long|[A-Z]\d+)$/)
    const huge = '    transform: "[1..9000000]"\n'
    expect((await refusedBy(huge, '{"v":1}'))?.reason).toMatch(/^transform: /)
  })

  test('dedupe stores a payload once in its window, another at once', async () => {
    const apply = applier(rule('    dedupe: { window: 5s }\n'))
    const count = async (payload: string, at: number) => (await apply('t', payload, receivedAt + at)).length
    expect([
      await count('1', 0),
      await count('1', 4000),
      await count('2', 4001),
      await count('1', 4002),
      await count('1', 9100),
    ]).toEqual([1, 0, 1, 1, 1])
  })

  test('deadband leaves out what hardly changed and keeps the payload', async () => {
    const apply = applier(rule('    deadband: { value: 0.5, max_silence: 1m }\n'))
    const fields = async (payload: string, at: number) => {
      const [made] = await apply('t', payload, receivedAt + at)
      expect(String(made?.payload)).toBe(payload)
      return { ...made?.fields }
    }
    expect(await fields('1', 0)).toEqual({ value: 1 })
    expect(await fields('1.4', 1)).toEqual({})
    expect(await fields('1.6', 2)).toEqual({ value: 1.6 })
    expect(await fields('1.6', 60_002)).toEqual({ value: 1.6 })
  })

  test('store: none stores nothing', async () => {
    expect(await applier(rule('    store: none\n'))('t', '1')).toEqual([])
  })

  test('a rule that only names tags leaves the fields to the payload', async () => {
    const [made] = await applier(rule('    tags: { x: 1 }\n'))('t', '{"v":1}')
    expect(made?.fields).toBeNull()
    expect({ ...made?.cleaned?.tags }).toEqual({ x: 't' })
  })

  test('each record of a message is checked by itself', async () => {
    const made = await applier(rule('    fields: { x: { max: 1 } }\n'))(
      't',
      'm x=1 1700000000000\nm x=2 1700000001000',
    )
    expect(
      made.map(({ fields, cleaned, time }) => [
        { ...fields },
        cleaned?.refused?.field,
        cleaned?.record,
        time,
      ]),
    ).toEqual([
      [{ x: 1 }, undefined, 2, 1_700_000_000_000],
      [{}, 'x', 1, 1_700_000_001_000],
      [{}, undefined, 0, receivedAt],
    ])
  })

  test('a topic without a rule is as without rules', async () => {
    const [made] = await applier(rule(''))('other', '{"v":1}')
    expect(made).toMatchObject({ fields: null })
    expect(made?.cleaned).toBeUndefined()
  })

  test.each([
    ['1700000000', 1_700_000_000_000],
    ['1700000000.25', 1_700_000_000_250],
    ['1700000000123', 1_700_000_000_123],
    ['1700000000123456789', 1_700_000_000_123],
    ['"2025-06-01T12:00:00+02:00"', Date.UTC(2025, 5, 1, 10)],
    ['"2025-06-01T12:00:00.123456789Z"', Date.UTC(2025, 5, 1, 12, 0, 0, 123)],
    ['"2025-06-01 12:00:00"', Date.UTC(2025, 5, 1, 10)],
    ['"2025-01-01 12:00:00"', Date.UTC(2025, 0, 1, 11)],
    ['5', receivedAt],
    ['"2025-13-01T12:00:00Z"', receivedAt],
    ['4000000000', receivedAt],
  ])('the time %s is read as a time, or the reading keeps its arrival', async (at, time) => {
    const [made] = await applier(rule('    time: { path: at, zone: Europe/Berlin }\n'))('t', `{"at":${at}}`)
    expect(made?.time).toBe(time)
  })

  test('a local time is none when nobody says where', async () => {
    const [made] = await applier(rule('    time: { path: at }\n'))('t', '{"at":"2025-06-01 12:00:00"}')
    expect(made?.time).toBe(receivedAt)
  })
})

const level = fc.constantFrom('a', 'b', '', '$x', 'c')
const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => [...levels, ...(rest || levels.length === 0 ? ['#'] : [])].join('/'))

test('a trie of filters finds exactly the filters that match', () => {
  fc.assert(
    fc.property(fc.array(filters), topics, (all, topic) => {
      const trie = createFilterTrie<number>()
      all.forEach((filter, index) => trie.add(filter, index))
      const expected = all.flatMap((filter, index) => (matches(filter, topic) ? [index] : []))
      expect(trie.match(topic).sort((a, b) => a - b)).toEqual(expected)
    }),
  )
})

test('a pattern fits the names a regular expression would', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 })
  fc.assert(
    fc.property(pattern, text, (glob, name) => {
      const expected = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(name)
      expect(globMatcher(glob)(name)).toBe(expected)
    }),
  )
})

test.each([
  ['a rule that gives tags', 'rules:\n  - name: a\n    topic: "#"\n    tags: { room: 1 }\n'],
  ['a rule that looks for a time', 'rules:\n  - name: a\n    topic: "#"\n    time: { path: at }\n'],
])('%s leaves what aggregates read of other formats than JSON stored as fields', async (_name, text) => {
  const fieldsOf = async (payload: string): Promise<unknown> => {
    const [made] = await applier(text)('t', payload)
    return made?.fields && { ...made.fields }
  }
  expect(await fieldsOf('weather t=3,h=4i')).toEqual({ t: 3, h: 4 })
  expect(await fieldsOf('21.5 °C')).toEqual({ value: 21.5 })
  expect(await fieldsOf('{"t":9,"h":1')).toEqual({ t: 9 })
  expect(await fieldsOf('3e8')).toEqual({ value: '3e8' })
  for (const payload of ['{"t":1}', '[1,2]', '21.5', 'on']) expect(await fieldsOf(payload)).toBeNull()
})

test('a time may count only where another field is not there', async () => {
  const rule = applier('rules:\n  - name: a\n    topic: t\n    time: { path: 0.ts, if: { 1.ts: null } }\n')
  const timeOf = async (payload: string) => (await rule('t', payload))[0]?.time
  expect(await timeOf('[{"ts":1700000000}]')).toBe(1_700_000_000_000)
  expect(await timeOf('[{"ts":1700000000},{"ts":1600000000}]')).toBe(receivedAt)
})

test('a zone that is none is one fault, however many rules there are', () => {
  expect(
    problemsOf('zone: Berlin\nprofiles: all\nrules:\n  - { name: a, topic: t, time: { path: x } }\n'),
  ).toHaveLength(1)
})

test('a profile the file names wrongly is a fault also where the server asks for all', () => {
  const made = (): unknown =>
    createRuleSet('profiles: [tasmotta]\n', { name: 'rules.yaml', files, profiles: ['all'] })
  expect(made).toThrow('there is no profile "tasmotta"')
})

test('a rule finds the time of a message whose layout is known, also by a name that another rule gave', async () => {
  const rules = [
    '  - { name: a, topic: t, also: true, rename: { x: at } }',
    '  - { name: b, topic: t, time: { path: at } }',
    '  - { name: c, topic: u, time: { path: value } }',
  ]
  const clean = applier(`rules:\n${rules.join('\n')}\n`)
  const seconds = receivedAt / 1000 - 10
  for (let i = 0; i < 3; i++) {
    const [renamed] = await clean('t', `{"x":${seconds + i},"v":1}`)
    const [bare] = await clean('u', String(seconds + i))
    expect([renamed?.time, bare?.time]).toEqual([(seconds + i) * 1000, (seconds + i) * 1000])
  }
})
