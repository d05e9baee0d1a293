// Every listener of the configuration, started together and stopped together; certificates are read again when their files
// change.

import { watchFiles } from '../../auth/watch.ts'
import { type ListenerConfig, plainListener } from '../../config/listener.ts'
import type { Config } from '../../config/schema.ts'
import { AppError, asAppError } from '../../domain/errors.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Bans } from '../bans.ts'
import { createAdmission } from './admission.ts'
import type { Place } from './listen.ts'
import type { EntranceDependencies } from './entrance.ts'
import { type Listener, startListener } from './listener.ts'

/** A listener as others may see it. */
export interface ListenerInfo extends Place {
  name: string
  protocol: ListenerConfig['protocol']
  tls: boolean
}

export interface Listeners {
  readonly all: readonly ListenerInfo[]
  /** Reads certificates again; a broken one keeps the old one in force, and throws. */
  reload(): void
  stopAccepting(): void
  close(): Promise<void>
}

export interface ListenersDependencies {
  bans: Bans
  metrics: Metrics
  /** Connections for which the system has room. */
  socketsMax: number
  log: Log
  /** The address to bind for a configured one. */
  hostOf: (host: string) => string
  onStream: EntranceDependencies['onStream']
}

/** A frame may hold more than one packet. */
const frameBytesBeyondPacket = 1_048_576

/** Starts all of them or none. */
export async function startListeners(
  config: Config['mqtt'],
  { bans, metrics, socketsMax, log, hostOf, onStream }: ListenersDependencies,
): Promise<Listeners> {
  const dependencies: EntranceDependencies = {
    admission: createAdmission(config, { bans, metrics, socketsMax }),
    timeoutMs: config.connect_timeout_ms,
    frameBytesMax: config.max_packet_size + frameBytesBeyondPacket,
    onStream,
    log,
  }
  const started: Listener[] = []
  const close = async (): Promise<void> => {
    await Promise.all(started.map((listener) => listener.close()))
  }
  try {
    for (const entry of listenersOf(config)) {
      started.push(await startListener({ ...entry, host: hostOf(entry.host) }, dependencies))
    }
  } catch (error) {
    await close()
    throw error
  }
  const reload = (): void => reloadAll(started)
  const watcher = watchFiles(
    started.flatMap(({ files }) => files),
    {
      log,
      onChange: () => {
        try {
          reload()
          log.info('certificates read again')
        } catch (error) {
          log.error(`${asAppError(error).message}. The certificates read before stay in force.`)
        }
      },
    },
  )
  return {
    all: started.map(describe),
    reload,
    stopAccepting: () => {
      for (const listener of started) listener.stopAccepting()
    },
    close: async () => {
      watcher.close()
      await close()
    },
  }
}

/** The default listener and those that are named. Throws `bad_config` when there is none. */
export function listenersOf(config: Config['mqtt']): ListenerConfig[] {
  const all = [...(config.default_listener ? [plainListener(config)] : []), ...config.listeners]
  if (all.length > 0) return all
  throw new AppError(
    'bad_config',
    'mqtt.default_listener is off and mqtt.listeners is empty: nobody could connect',
  )
}

/** Each for itself: one that is broken keeps none of the others back. */
function reloadAll(listeners: readonly Listener[]): void {
  const errors: unknown[] = []
  for (const listener of listeners) {
    try {
      listener.reload()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw asAppError(errors[0])
}

function describe({ config, address, port, path }: Listener): ListenerInfo {
  const { protocol } = config
  return { name: config.name, address, port, path, protocol, tls: config.cert_file !== '' }
}
