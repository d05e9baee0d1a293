// Rules for families of devices that many people have, as a rules file would hold them. They never rename a field or convert a value:
// they say whose it is, its unit, when it was measured, and which values mean that there is none.

import { gateways } from './gateways.ts'
import { homes } from './homes.ts'
import { lora } from './lora.ts'
import type { Profile } from './profile.ts'
import { sensors } from './sensors.ts'

/** In the order they apply; the narrow filters first. */
export const profiles: readonly Profile[] = [...sensors, ...lora, ...gateways, ...homes]
