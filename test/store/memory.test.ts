import { createMemoryStore } from '../../src/store/memory.ts'
import { describeStore } from './contract.ts'

describeStore('memory', () => ({
  open: async () => createMemoryStore(),
  settle: async () => {},
  remove: async () => {},
}))
