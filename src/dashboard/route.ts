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

export function linkTo(name: string, params: Record<string, string> = {}): string {
  const query = new URLSearchParams(params).toString()
  return `#/${name}${query === '' ? '' : `?${query}`}`
}

export function goTo(name: string, params: Record<string, string> = {}): void {
  location.hash = linkTo(name, params)
}

function parse(hash: string): Route {
  const [name = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return { name: name === '' ? 'overview' : name, params: new URLSearchParams(query) }
}
