// Rules for families of devices that many people have, as a rules file would hold them.

import type { RuleSource } from '../rules/schema.ts'

export interface Profile {
  name: string
  /** Whose messages these are. */
  title: string
  rules: readonly RuleSource[]
}

export const profiles: readonly Profile[] = [
  { name: 'tasmota', title: 'Tasmota', rules: [] },
  { name: 'shelly', title: 'Shelly', rules: [] },
]
