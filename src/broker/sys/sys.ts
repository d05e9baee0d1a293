// Publishes $SYS/broker/… every interval: retained, QoS 0, a topic only when its text has changed. Nothing of it is a reading.

import type { Config } from '../../config/schema.ts'
import { version } from '../../ops/version.ts'
import { Load } from './loads.ts'
import { type Holdings, loadRows, sysRows } from './table.ts'
import type { Traffic } from './traffic.ts'

export interface SysDependencies {
  traffic: Traffic
  holdings: () => Promise<Holdings>
  publish: (topic: string, payload: string) => void
  /** Failures to look at the broker; they end nothing. */
  onError: (error: unknown) => void
}

type SysConfig = Pick<Config['mqtt'], 'sys_interval_s' | 'sys_format'>

/** Starts at once; an interval of 0 publishes nothing. */
export function startSys(config: SysConfig, dependencies: SysDependencies): { stop(): void } {
  const intervalS = config.sys_interval_s
  if (intervalS === 0) return { stop: () => undefined }
  const { publish, onError } = dependencies
  const tell = createSysTexts(config, dependencies)
  let stopped = false
  const tick = (seconds: number): void => {
    tell(seconds).then(
      (texts) => {
        if (stopped) return
        for (const [topic, text] of texts) publish(`$SYS/broker/${topic}`, text)
      },
      (error: unknown) => onError(error),
    )
  }
  tick(0)
  const timer = setInterval(() => tick(intervalS), intervalS * 1000)
  timer.unref()
  return {
    stop() {
      stopped = true
      clearInterval(timer)
    },
  }
}

/** Gives the topics whose text has changed since the call before, `seconds` ago; 0 is the first call. */
export function createSysTexts(
  config: Pick<SysConfig, 'sys_format'>,
  { traffic, holdings }: Pick<SysDependencies, 'traffic' | 'holdings'>,
): (seconds: number) => Promise<[string, string][]> {
  const loads = loadRows.map((row) => ({ ...row, load: new Load() }))
  const told = new Map<string, string>()
  return async (seconds) => {
    const now = await holdings()
    const texts: [string, string][] = [
      ['version', versionText(config.sys_format)],
      ['uptime', config.sys_format === 'json' ? String(now.uptimeS) : `${now.uptimeS} seconds`],
      ...sysRows.map(({ topic, value }): [string, string] => [topic, String(value(now, traffic))]),
    ]
    for (const { topic, value, load } of loads) {
      if (seconds > 0) load.update(value(now, traffic), seconds)
      for (const [span, text] of load.texts()) texts.push([`load/${topic}/${span}`, text])
    }
    const changed = texts.filter(([topic, text]) => told.get(topic) !== text)
    for (const [topic, text] of changed) told.set(topic, text)
    return changed
  }
}

/** Clients that parse every payload of $SYS as JSON fail on bare text, so `json` puts it in quotes. */
function versionText(format: SysConfig['sys_format']): string {
  const text = `amber version ${version}`
  return format === 'json' ? JSON.stringify(text) : text
}
