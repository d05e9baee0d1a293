// PromQL for a server that may never be asked in it: the grammar and the regular expressions, 7 MB of memory, are loaded with the
// first query.

import type { createPromql, Promql } from './service.ts'

/** What `createPromql` makes, made when it is first needed. */
export function promqlWhenAsked(deps: Parameters<typeof createPromql>[0]): Promql {
  let made: Promise<Promql> | null = null
  const promql = (): Promise<Promql> =>
    (made ??= import('./service.ts').then((service) => service.createPromql(deps)))
  return {
    instant: async (...asked) => (await promql()).instant(...asked),
    range: async (...asked) => (await promql()).range(...asked),
    format: async (text) => (await promql()).format(text),
    series: async (...asked) => (await promql()).series(...asked),
  }
}
