// Which page is shown: what stands after the # of the address, so that every view can be shared and the back button works.

import { signal } from '@preact/signals'

export interface Route {
  name: string
  params: URLSearchParams
}

export const route = signal<Route>(parse(location.hash))

addEventListener('hashchange', () => {
  route.value = parse(location.hash)
})

/** What is empty or not there is left out; a list is given one by one. */
export type Params = Record<string, string | readonly string[] | undefined>

export function linkTo(name: string, params: Params = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(params)) {
    for (const one of [value ?? ''].flat()) if (one !== '') search.append(key, one)
  }
  const query = search.toString()
  return `#/${name}${query === '' ? '' : `?${query}`}`
}

export function goTo(name: string, params: Params = {}): void {
  location.hash = linkTo(name, params)
}

function parse(hash: string): Route {
  const [name = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return { name: name === '' ? 'overview' : name, params: new URLSearchParams(query) }
}
