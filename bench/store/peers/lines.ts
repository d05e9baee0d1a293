// The data as InfluxDB line protocol, which VictoriaMetrics and InfluxDB both take, made before the clock runs.

import { type Climate, topicName } from '../climate.ts'

const linesABody = 10_000

/** Bodies of requests; times in milliseconds, or in nanoseconds. */
export function encodeLines(climate: Climate, unit: 'ms' | 'ns'): Buffer[] {
  const bodies: Buffer[] = []
  const names = Array.from({ length: climate.topics }, (_, device) => `m,topic=${topicName(device)}`)
  const zeros = unit === 'ns' ? '000000' : ''
  for (let from = 0; from < climate.count; from += linesABody) {
    let text = ''
    for (let i = from; i < Math.min(climate.count, from + linesABody); i++) {
      const t = climate.temperatures[i]! / 10
      const h = climate.humidities[i]! / 10
      text += `${names[climate.devices[i]!]} temperature=${t},humidity=${h} ${climate.times[i]}${zeros}\n`
    }
    bodies.push(Buffer.from(text))
  }
  return bodies
}

/** Sends bodies over two connections, as many as the server takes. */
export async function sendAll(
  bodies: readonly Buffer[],
  send: (body: Buffer) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let body = bodies[next++]; body; body = bodies[next++]) await send(body)
  }
  await Promise.all([worker(), worker()])
}
