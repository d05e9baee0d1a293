// Where the thread of a store finds how stored rows are made again, and what it hands over.

import type { RuleSetSource } from './ruleSet.ts'

export interface RowMakerData {
  source: RuleSetSource
  onlyRefused: boolean
}

/** Beside this file: built, or as it was written. */
export const rowMakerModule = new URL(
  import.meta.url.endsWith('.ts') ? './rowMaker.ts' : './rowMaker.js',
  import.meta.url,
).href
