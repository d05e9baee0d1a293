// A listener on a free port of this machine with nothing special about it.

import { plainListener as listenerOn } from '../../../src/config/listener.ts'

export const plainListener = listenerOn({ host: '127.0.0.1', port: 0 })
