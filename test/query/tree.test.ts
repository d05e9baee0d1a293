// The tree of topics, level by level: the same names as a sorting of all topics gives, whatever the names are.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTree, type TreeNode } from '../../src/query/tree.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { ReadingStore } from '../../src/store/store.ts'
import { append } from '../store/reading.ts'

const everything = (): boolean => true

/** All pages of a level. */
async function level(
  store: ReadingStore,
  below: string | null,
  limit: number,
  mayRead: (topic: string) => boolean = everything,
): Promise<TreeNode[]> {
  const { signal } = new AbortController()
  const all: TreeNode[] = []
  let after: string | null = null
  do {
    const page = await readTree(store, { below, mayRead, limit, after, signal })
    all.push(...page.nodes)
    after = page.next
  } while (after !== null)
  return all
}

function expected(topics: readonly string[], below: string | null): Map<string, TreeNode> {
  const nodes = new Map<string, TreeNode>()
  for (const topic of topics) {
    if (below !== null && !topic.startsWith(`${below}/`)) continue
    const [name = '', ...rest] = topic.slice(below === null ? 0 : below.length + 1).split('/')
    const node = nodes.get(name) ?? { name, isTopic: false, hasChildren: false }
    if (rest.length === 0) node.isTopic = true
    else node.hasChildren = true
    nodes.set(name, node)
  }
  return nodes
}

async function storeOf(topics: readonly string[]): Promise<ReadingStore> {
  const store = createMemoryStore()
  for (const topic of topics) await append(store, { topic })
  return store
}

test('each level has its names, as topics and as what lies above others', async () => {
  const store = await storeOf(['a', 'a!b', 'a/b', 'a/b/c', 'a0', 'b/c', '/x', 'd//e'])
  expect(await level(store, null, 100)).toEqual([
    { name: '', isTopic: false, hasChildren: true },
    { name: 'a', isTopic: true, hasChildren: true },
    { name: 'a!b', isTopic: true, hasChildren: false },
    { name: 'a0', isTopic: true, hasChildren: false },
    { name: 'b', isTopic: false, hasChildren: true },
    { name: 'd', isTopic: false, hasChildren: true },
  ])
  expect(await level(store, 'a', 100)).toEqual([{ name: 'b', isTopic: true, hasChildren: true }])
  expect(await level(store, 'd', 100)).toEqual([{ name: '', isTopic: false, hasChildren: true }])
  expect(await level(store, 'nothing', 100)).toEqual([])
})

test('for any topics and any size of page a level has each name once', async () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '!', '0', '\uffff', ' '), maxLength: 2 })
  const topic = fc.array(name, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        topic.filter((one) => one !== ''),
        { maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(null, 'a', 'a/b', 'a/', ''),
      async (topics, limit, below) => {
        const found = await level(await storeOf(topics), below, limit)
        const wanted = expected(topics, below)
        expect(found.length).toBe(wanted.size)
        for (const node of found) expect(wanted.get(node.name)).toEqual(node)
      },
    ),
  )
})

test('what may not be read is not there', async () => {
  const store = await storeOf(['a/secret', 'a/open', 'b/secret', 'c'])
  const mayRead = (topic: string): boolean => !topic.includes('secret')
  expect((await level(store, null, 10, mayRead)).map(({ name }) => name)).toEqual(['a', 'c'])
  expect((await level(store, 'a', 10, mayRead)).map(({ name }) => name)).toEqual(['open'])
})
