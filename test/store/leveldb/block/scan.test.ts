import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLeafScanner, createNumberScanner } from '../../../../src/store/leveldb/block/scan.ts'
import { anyPayload, jsonText, leavesByParse, numberByParse, repeatingKeys } from './texts.ts'

function scanLeaves(payloads: readonly Uint8Array[]): (Map<string, unknown> | null)[] {
  const scan = createLeafScanner()
  return payloads.map((payload) => {
    const leaves = new Map<string, unknown>()
    const isJson = scan(payload, 0, payload.length, (path, value) => {
      if (leaves.has(path)) expect.fail(`${path} was visited twice`)
      leaves.set(path, value)
    })
    return isJson ? leaves : null
  })
}

const sorted = (leaves: Map<string, unknown> | null): unknown =>
  leaves && [...leaves].sort(([a], [b]) => (a < b ? -1 : 1))

describe('a leaf scanner', () => {
  test('agrees with JSON.parse on every payload, JSON or not', () => {
    fc.assert(
      fc.property(fc.array(anyPayload, { minLength: 1, maxLength: 12 }), (payloads) => {
        const twice = [...payloads, ...payloads]
        expect(scanLeaves(twice).map(sorted)).toEqual(twice.map((payload) => sorted(leavesByParse(payload))))
      }),
      { numRuns: 1500 },
    )
  })

  test('agrees with JSON.parse where keys repeat in several spellings, level under level', () => {
    fc.assert(
      fc.property(fc.array(repeatingKeys, { minLength: 1, maxLength: 6 }), (texts) => {
        const payloads = [...texts, ...texts].map((text) => Buffer.from(text))
        expect(scanLeaves(payloads).map(sorted)).toEqual(
          payloads.map((payload) => sorted(leavesByParse(payload))),
        )
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"a":1,"a":null}', { a: null }],
    ['{"a":{"x":1},"a":{"y":2}}', { 'a.y': 2 }],
    ['{"a":{"x":1},"a":5}', { a: 5 }],
    ['{"a":1,"a":{}}', {}],
    ['{"a.b":1,"a":{"b":2}}', { 'a.b': 2 }],
    ['{"":1,"x":{"":2}}', { '': 1, 'x.': 2 }],
    ['[[1,2],{"k":[true]}]', { '0.0': 1, '0.1': 2, '1.k.0': true }],
    ['{"\\u0061":1,"a":2}', { a: 2 }],
    ['{"\\u0061":{},"\\u0061":[{"a":[0]}]}', { 'a.0.a.0': 0 }],
    ['{"\\u0061":{"x":1},"a":[{"\\u0061":{"y":2}}]}', { 'a.0.a.y': 2 }],
    ['{"a":{"a":1},"\\u0061":{"\\u0061":2,"a":3}}', { 'a.a': 3 }],
    ['{"\\ud83d\\ude00":1,"😀":2,"\\ud800":3}', { '😀': 2, '\ud800': 3 }],
    ['{"__proto__":{"x":1}}', { '__proto__.x': 1 }],
    [' 21.5 ', { value: 21.5 }],
    ['"é"', { value: 'é' }],
  ])('finds in %s the leaves that count', (text, leaves) => {
    expect(scanLeaves([Buffer.from(text)])).toEqual([new Map(Object.entries(leaves))])
  })

  test('reads a payload of 65,536 leaves, and none of one with more', () => {
    const payload = (leaves: number): Buffer =>
      Buffer.from(JSON.stringify(Array.from({ length: leaves }, (_, i) => i)))
    const [most, more] = scanLeaves([payload(65_536), payload(65_537)])
    expect(most?.size).toBe(65_536)
    expect(most?.get('65535')).toBe(65_535)
    expect(more).toBeNull()
  })

  test('reads a payload nested 1,024 deep, and nothing of one nested deeper', () => {
    const payload = (levels: number): Buffer => Buffer.from(`${'['.repeat(levels)}5${']'.repeat(levels)}`)
    const [deepest, deeper] = scanLeaves([payload(1024), payload(1025)])
    expect([...(deepest?.values() ?? [])]).toEqual([5])
    expect(deeper).toBeNull()
  })

  test('remembers only so many layouts and stays right beyond them', () => {
    const payloads = Array.from({ length: 200 }, (_, i) => Buffer.from(`{"k${i}":${i}}`))
    expect(scanLeaves(payloads).map((leaves) => [...(leaves ?? [])])).toEqual(
      payloads.map((_, i) => [[`k${i}`, i]]),
    )
  })
})

describe('a number scanner', () => {
  test('agrees with JSON.parse for every path of every payload', () => {
    fc.assert(
      fc.property(fc.array(anyPayload, { minLength: 1, maxLength: 6 }), (payloads) => {
        const paths = new Set(payloads.flatMap((payload) => [...(leavesByParse(payload)?.keys() ?? [])]))
        for (const path of [...paths, 'nowhere']) {
          const scan = createNumberScanner(path)
          for (const payload of [...payloads, ...payloads]) {
            expect(scan(payload, 0, payload.length)).toBe(numberByParse(payload, path))
          }
        }
      }),
      { numRuns: 800 },
    )
  })

  test('reads from the middle of a buffer and never past the end of the payload', () => {
    fc.assert(
      fc.property(jsonText, jsonText, (text, after) => {
        const payload = Buffer.from(text)
        const buffer = Buffer.concat([Buffer.from('9'), payload, Buffer.from(after)])
        for (const path of leavesByParse(payload)?.keys() ?? []) {
          const scan = createNumberScanner(path)
          const expected = numberByParse(payload, path)
          expect(scan(buffer, 1, 1 + payload.length)).toBe(expected)
          expect(scan(buffer, 1, 1 + payload.length)).toBe(expected)
        }
      }),
    )
  })
})
