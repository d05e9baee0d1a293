// Label matchers. Regular expressions are RE2's, anchored at both ends, and take linear time whatever they say.

import { RE2JS } from 're2js'
import type { Turns } from '../turns.ts'
import type { LabelMatcher } from './ast.ts'
import type { Labels } from './labels.ts'
import { fault } from './faults.ts'
import { patternSize } from './patternSize.ts'

export interface Matcher {
  name: string
  /** The one value it asks for; `null` when there may be others. */
  exact: string | null
  test: (value: string) => boolean
}

const patternMax = 2000
/** Compiled in some tens of milliseconds. */
const sizeMax = 5000
const rememberedMax = 10_000

function compileMatcher({ name, operator, value }: LabelMatcher): Matcher {
  if (operator === '=') return { name, exact: value, test: (given) => given === value }
  if (operator === '!=') return { name, exact: null, test: (given) => given !== value }
  const matches = compileRegex(value)
  const isWanted = operator === '=~'
  // The same values are asked for over and over.
  let known = new Map<string, boolean>()
  return {
    name,
    exact: null,
    test(given) {
      let found = known.get(given)
      if (found === undefined) {
        if (known.size >= rememberedMax) known = new Map()
        known.set(given, (found = matches(given)))
      }
      return found === isWanted
    },
  }
}

function compileRegex(pattern: string): (text: string) => boolean {
  const regex = compileRe2(pattern)
  return (text) => regex.matches(text)
}

/** Throws `bad_request` for what RE2 does not take. */
export function compileRe2(pattern: string): RE2JS {
  if (pattern.length > patternMax) throw fault(`a regular expression has at most ${patternMax} characters`)
  if (patternSize(pattern) > sizeMax) {
    throw fault(
      `"${pattern.slice(0, 60)}" repeats too much: written out it has more than ${sizeMax} characters and classes`,
    )
  }
  try {
    // Like Go's syntax for Prometheus: a dot takes line ends too.
    return RE2JS.compile(pattern, RE2JS.DOTALL)
  } catch (error) {
    throw fault(
      `"${pattern.slice(0, 60)}" is no regular expression: ${(error as Error).message.slice(0, 100)}`,
    )
  }
}

/** Throws `bad_request` unless one of them asks for something: a selector of everything is a slip. */
export async function compileMatchers(matchers: readonly LabelMatcher[], turns: Turns): Promise<Matcher[]> {
  const compiled: Matcher[] = []
  for (const matcher of matchers) {
    compiled.push(compileMatcher(matcher))
    if (turns.isOver) await turns.next()
  }
  if (compiled.every(({ test }) => test(''))) {
    throw fault('a selector needs at least one matcher that does not match the empty text')
  }
  return compiled
}

export function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every(({ name, test }) => test(labels[name] ?? ''))
}
