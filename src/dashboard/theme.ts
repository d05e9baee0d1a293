// Light or dark: as the system says, until somebody says otherwise.

import { computed, effect, signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

const key = 'amber.theme'

export const theme = signal<Theme>(stored())

const system = matchMedia('(prefers-color-scheme: dark)')
const isSystemDark = signal(system.matches)
system.addEventListener('change', () => {
  isSystemDark.value = system.matches
})

/** What is shown, for what is drawn on a canvas. */
export const isDark = computed(
  () => theme.value === 'dark' || (theme.value === 'system' && isSystemDark.value),
)

export function followTheme(): void {
  effect(() => {
    const { dataset } = document.documentElement
    if (theme.value === 'system') delete dataset['theme']
    else dataset['theme'] = theme.value
    try {
      localStorage.setItem(key, theme.value)
    } catch {
      // Private windows may keep nothing: the choice lasts as long as the page.
    }
  })
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(key)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}
