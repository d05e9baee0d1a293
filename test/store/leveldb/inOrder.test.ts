import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergedInOrder } from '../../../src/store/leveldb/scan/inOrder.ts'

/** Chunks, as a thread would send them; `ended` tells whether who reads has let go. */
async function* source(chunks: string[][], ended: () => void): AsyncGenerator<string[]> {
  try {
    for (const chunk of chunks) {
      await Promise.resolve()
      yield chunk
    }
  } finally {
    ended()
  }
}

/** Distinct keys in order, dealt to sources, and those cut into chunks, some of them empty. */
const dealt = fc
  .tuple(fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 200 }), fc.integer({ min: 1, max: 4 }))
  .chain(([keys, sources]) =>
    fc.tuple(
      fc.constant(keys.sort((a, b) => (a < b ? -1 : 1))),
      fc.constant(sources),
      fc.array(fc.nat(sources - 1), { minLength: keys.length, maxLength: keys.length }),
      fc.array(fc.nat(7), { minLength: 1, maxLength: 40 }),
    ),
  )
  .map(([keys, sources, owners, sizes]) => ({
    keys,
    parts: Array.from({ length: sources }, (_, own) => {
      const left = keys.filter((_key, at) => owners[at] === own)
      return sizes.map((size) => left.splice(0, size)).concat([left])
    }),
  }))

test('items of several sources come in the order of their keys, each once', async () => {
  await fc.assert(
    fc.asyncProperty(dealt, async ({ keys, parts }) => {
      let ended = 0
      const found: string[] = []
      const sources = parts.map((chunks) => source(chunks, () => ended++))
      for await (const chunk of mergedInOrder(sources, (key) => key)) found.push(...chunk)
      expect(found).toEqual(keys)
      expect(ended).toBe(parts.length)
    }),
  )
})

test('who stops reading stops every source', async () => {
  let ended = 0
  const many = (letter: string) => [
    Array.from({ length: 1200 }, (_, i) => `${letter}${String(i).padStart(5, '0')}`),
    [`${letter}z`],
  ]
  const sources = [source(many('a'), () => ended++), source(many('b'), () => ended++)]
  for await (const chunk of mergedInOrder(sources, (key) => key)) {
    expect(chunk.length).toBeGreaterThan(0)
    break
  }
  expect(ended).toBe(2)
})

test('what one source throws is thrown, and the others are stopped', async () => {
  let ended = 0
  // oxlint-disable-next-line require-yield
  async function* failing(): AsyncGenerator<string[]> {
    await Promise.resolve()
    throw new Error('this one is damaged')
  }
  const sources = [source([['a'], ['b']], () => ended++), failing()]
  const reading = async (): Promise<void> => {
    for await (const chunk of mergedInOrder(sources, (key) => key)) void chunk
  }
  await expect(reading()).rejects.toThrow('this one is damaged')
  expect(ended).toBe(1)
})
