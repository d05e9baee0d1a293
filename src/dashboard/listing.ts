// Listings of the API: their addresses, and their rows.

import { ask } from './api.ts'

export type Query = Record<string, string | number | readonly string[] | undefined>

export interface Page<T> {
  data: T[]
  page: { limit: number; has_more: boolean; next: string | null }
}

/** `+` means itself to the API, as topic filters hold it: a space is %20, which URLSearchParams does not write. */
export function urlOf(path: string, query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${name}=${encodeURIComponent(one)}`),
  )
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

/** The rows of the first page. */
export async function rows<T>(path: string, query: Query = {}): Promise<T[]> {
  return (await ask<Page<T>>(urlOf(path, query))).data
}
