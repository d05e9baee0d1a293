// One question put to every system in turns, its answers compared with the first system's, and the median time of each.

import { percentile } from './process.ts'
import { compareAnswers, type Question, type System } from './question.ts'

export interface Comparison {
  /** System → median milliseconds. */
  medians: Map<string, number>
  /** What differed: nothing when all answered the same. */
  differences: string[]
}

/** `questionOf(n)` is the nth repetition; the first of each system is compared and not timed. */
export async function compare(
  systems: readonly System[],
  repetitions: number,
  questionOf: (n: number) => Question,
): Promise<Comparison> {
  const differences: string[] = []
  const [first, ...others] = systems
  if (!first) throw new Error('there is no system to ask')
  const wanted = (await first.ask(questionOf(0))).answer()
  for (const system of others) {
    const difference = compareAnswers((await system.ask(questionOf(0))).answer(), wanted)
    if (difference !== null) differences.push(`${system.name} and ${first.name}: ${difference}`)
  }
  const times = new Map(systems.map(({ name }) => [name, [] as number[]]))
  const turns = Math.min(repetitions, 5)
  for (let turn = 0; turn < turns; turn++) {
    for (const system of systems) {
      for (let n = turn; n < repetitions; n += turns)
        times.get(system.name)?.push((await system.ask(questionOf(n + 1))).elapsedMs)
    }
  }
  return { medians: new Map([...times].map(([name, all]) => [name, percentile(all, 0.5)])), differences }
}
