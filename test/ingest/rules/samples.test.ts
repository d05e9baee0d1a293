import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applier } from './apply.ts'

const now = Date.parse('2026-11-24T12:00:00Z')
const at = (seconds: number): number => now / 1000 - seconds
const auto = applier('rules:\n  - { name: a, topic: "#", samples: true, time: { path: ts } }\n')

/** Of each reading but the message: how long before `now`, and its fields. */
async function samplesOf(payload: unknown, clean = auto): Promise<[number, Record<string, unknown>][]> {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const made = await clean('t', text, now)
  expect(made.filter((one) => one.payload.length > 0)).toEqual([made.at(-1)])
  expect(String(made.at(-1)?.payload)).toBe(text)
  return made.slice(0, -1).map(({ time, fields }) => [(now - time) / 1000, { ...fields }])
}

describe('the samples of a message', () => {
  test('of a list are one series, each with its time', async () => {
    expect(
      await samplesOf([
        { ts: at(20), values: { t: 1 } },
        { ts: at(10), values: { t: 2 } },
      ]),
    ).toEqual([
      [20, { ts: at(20), 'values.t': 1 }],
      [10, { ts: at(10), 'values.t': 2 }],
    ])
  })

  test('below a name keep it, and what stands beside them is of the moment of the message', async () => {
    const payload = {
      ts: at(1),
      battery: 80,
      samples: [
        { time: at(20), t: 1 },
        { time: at(10), t: 2 },
      ],
    }
    expect(await samplesOf(payload)).toEqual([
      [20, { 'samples.time': at(20), 'samples.t': 1 }],
      [10, { 'samples.time': at(10), 'samples.t': 2 }],
      [1, { ts: at(1), battery: 80 }],
    ])
  })

  test('of different things keep the number in the names, and those of one moment are one reading', async () => {
    const payload = {
      vals: [
        { id: 'a', v: 1, ts: at(9) },
        { id: 'b', v: 2, ts: at(9) },
        { id: 'c', v: 3, ts: at(8) },
      ],
    }
    expect(await samplesOf(payload)).toEqual([
      [
        9,
        {
          'vals.0.id': 'a',
          'vals.0.v': 1,
          'vals.0.ts': at(9),
          'vals.1.id': 'b',
          'vals.1.v': 2,
          'vals.1.ts': at(9),
        },
      ],
      [8, { 'vals.2.id': 'c', 'vals.2.v': 3, 'vals.2.ts': at(8) }],
    ])
  })

  test('with a time beside each value are a reading each', async () => {
    expect(await samplesOf({ a: { value: 1, timestamp: at(9) }, b: { value: 2, timestamp: at(8) } })).toEqual(
      [
        [9, { 'a.value': 1, 'a.timestamp': at(9) }],
        [8, { 'b.value': 2, 'b.timestamp': at(8) }],
      ],
    )
  })

  test.each(['{"ts":A,"v":1}\n{"ts":B,"v":2}\n', 'ts,v\nA,1\nB,2\n'])(
    'of the lines %j have their times',
    async (lines) => {
      const text = lines.replace('A', String(at(20))).replace('B', String(at(10)))
      expect(await samplesOf(text)).toEqual([
        [20, { ts: at(20), v: 1 }],
        [10, { ts: at(10), v: 2 }],
      ])
    },
  )

  test('in lists beside a list of times are a reading each', async () => {
    const payload = { id: 'a', data: { ts: [at(20), at(10)], t: [1, 2], ok: [true, false] } }
    expect(await samplesOf(payload)).toEqual([
      [20, { 'data.ts': at(20), 'data.t': 1, 'data.ok': true }],
      [10, { 'data.ts': at(10), 'data.t': 2, 'data.ok': false }],
      [0, { id: 'a' }],
    ])
  })

  test('in rows of a time and values are a reading each, and what is missing is', async () => {
    const payload = {
      obs: [
        [at(20), 1, null],
        [at(10), 2, 3],
      ],
      type: 'obs',
    }
    expect(await samplesOf(payload)).toEqual([
      [20, { 'obs.0': at(20), 'obs.1': 1 }],
      [10, { 'obs.0': at(10), 'obs.1': 2, 'obs.2': 3 }],
      [0, { type: 'obs' }],
    ])
  })

  test('below their times are a reading each', async () => {
    const payload = { d: { [at(20)]: { t: 1 }, [at(10)]: { t: 2 } } }
    expect(await samplesOf(payload)).toEqual([
      [20, { 'd.t': 1 }],
      [10, { 'd.t': 2 }],
    ])
  })

  test('are found by the name of the member that a rule gives', async () => {
    const clean = applier('zone: Europe/Berlin\nrules:\n  - { name: a, topic: "#", samples: when }\n')
    const payload = {
      log: [
        { when: '24.11.2026 12:59:50', t: 1 },
        { when: '24.11.2026 12:59:40', t: 2 },
      ],
    }
    expect((await samplesOf(payload, clean)).map(([age]) => age)).toEqual([10, 20])
  })

  test('are cleaned one by one', async () => {
    const clean = applier('rules:\n  - { name: a, topic: "#", samples: true, fields: { t: { max: 5 } } }\n')
    const made = await clean(
      't',
      JSON.stringify([
        { ts: at(20), t: 1 },
        { ts: at(10), t: 9 },
      ]),
      now,
    )
    expect(made.map(({ cleaned }) => cleaned?.refused?.reason)).toEqual([
      undefined,
      'is above max 5',
      undefined,
    ])
  })
})

test.each<[string, unknown]>([
  [
    'a clock that was not set',
    [
      { ts: at(20), v: 1 },
      { ts: 17, v: 2 },
    ],
  ],
  [
    'a plan',
    {
      schedule: [
        { time: at(20), on: true },
        { time: at(10), on: false },
      ],
    },
  ],
  [
    'a forecast',
    [
      { time: at(20), v: 1 },
      { time: at(-3600), v: 2 },
    ],
  ],
  [
    'the same moment',
    [
      { ts: at(20), v: 1 },
      { ts: at(20), v: 2 },
    ],
  ],
  [
    'a sample in a sample',
    [
      { ts: at(20), a: [{ ts: at(19), v: 1 }] },
      { ts: at(10), v: 2 },
    ],
  ],
  [
    'values with times of their own beside a time of the message',
    { ts: at(1), gps: { time: at(9) }, env: { time: at(8) } },
  ],
  [
    'a list of devices and when they were seen',
    [
      ['a', at(20)],
      ['b', at(10)],
    ],
  ],
  ['lists of which one names things', { ts: [at(20), at(10)], id: ['a', 'b'], v: [1, 2] }],
  ['lists that are not as long as their times', { ts: [at(20), at(10)], v: [1, 2, 3] }],
  ['times that go back and forth', { ts: [at(20), at(10), at(15)], v: [1, 2, 3] }],
  ['numbers that are no times', { ts: [1, 2], v: [1, 2] }],
  [
    'rows of numbers',
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['the hours of a forecast', { hourly: { time: [at(20), at(10)], v: [1, 2] } }],
  ['one sample', [{ ts: at(20), v: 1 }]],
])('%s is not taken apart', async (_name, payload) => {
  const made = await auto('t', JSON.stringify(payload), now)
  expect(made).toHaveLength(1)
})

test('no leaf of a list of samples is lost, changed or told twice', async () => {
  const sample = fc.record({
    age: fc.integer({ min: 1, max: 1e6 }),
    v: fc.dictionary(fc.stringMatching(/^[a-r]{1,3}$/), fc.integer()),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(sample, { minLength: 2, maxLength: 8 }), async (list) => {
      fc.pre(new Set(list.map(({ age }) => age)).size > 1)
      const made = await samplesOf(list.map(({ age, v }) => ({ ts: at(age), v })))
      const expected = list.map(({ age, v }) => [
        age,
        {
          ts: at(age),
          ...Object.fromEntries(Object.entries(v).map(([name, value]) => [`v.${name}`, value])),
        },
      ])
      expect(made).toEqual(expected)
    }),
  )
})
