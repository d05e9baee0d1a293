// `amber sub`: prints messages as they arrive, with mosquitto_sub's flags. In a pipe payloads go out byte for byte;
// on a terminal control characters are shown as escapes.

import { type Command, Option } from 'commander'
import type { IPublishPacket, MqttClient } from 'mqtt'
import { AppError } from '../domain/errors.ts'
import { filterFault, matches, printable } from '../domain/topic.ts'
import { exitCodes, type Io, ReaderGone, UsageError } from './io.ts'
import { addMqttFlags, connectMqtt, type MqttFlags, qosNumber, wholeNumber } from './mqttOptions.ts'

interface SubFlags extends MqttFlags {
  topic: string[]
  filterOut: string[]
  qos: 0 | 1 | 2
  verbose?: true
  N?: true
  R?: true
  C?: number
  W?: number
  json?: true
}

const examples = `
Examples:
  amber sub -u admin -P 12345678 -t '#' -v         everything, each with its topic
  amber sub -t 'home/+/temperature' -C 1           one message, then end
  amber sub -t '#' --json                          one JSON object a line, for programs

Exit codes: 0 after -C messages or Ctrl+C, 1 when the connection is lost or -W seconds passed.`

export function addSub(
  program: Command,
  { io, setExitCode }: { io: Io; setExitCode: (code: number) => void },
): void {
  const collect = (value: string, list: string[]): string[] => [...list, value]
  const command = program
    .command('sub')
    .summary('print messages as they arrive')
    .description('Subscribe by MQTT and print what arrives. The flags are those of mosquitto_sub.')
    .helpOption('--help', 'explain the command')
    .addOption(
      new Option('-t, --topic <filter>', 'topic filter; may be repeated')
        .default([], 'none')
        .argParser(collect),
    )
    .addOption(
      new Option('-T, --filter-out <filter>', 'leave these out; may be repeated')
        .default([], 'none')
        .argParser(collect),
    )
    .addOption(new Option('-q, --qos <qos>', '0, 1 or 2').default(0).argParser(qosNumber))
    .option('-v, --verbose', 'the topic before each payload')
    .option('-N', 'no line end after a payload')
    .option('-R', 'leave out retained messages')
    .addOption(new Option('-C <count>', 'end after so many messages').argParser(wholeNumber))
    .addOption(new Option('-W <seconds>', 'end after so many seconds').argParser(wholeNumber))
    .option('--json', 'one JSON object a line: topic, qos, retain and the payload')
    .addHelpText('after', examples)
    .action(async (flags: SubFlags) => {
      if (flags.topic.length === 0)
        throw new UsageError("say what to listen to: -t FILTER (-t '#' is everything)")
      for (const filter of [...flags.topic, ...flags.filterOut]) {
        const fault = filterFault(filter)
        if (fault !== null) throw new UsageError(`"${printable(filter)}" is not a topic filter: ${fault}`)
      }
      const client = await connectMqtt(io, flags)
      try {
        setExitCode(await listen(io, client, flags))
        await client.endAsync()
      } catch (error) {
        client.end(true)
        throw error
      }
    })
  addMqttFlags(command)
}

async function listen(io: Io, client: MqttClient, flags: SubFlags): Promise<number> {
  let count = 0
  let timer: NodeJS.Timeout | undefined
  let stopWatching: () => void = () => undefined
  try {
    return await new Promise<number>((resolve, reject) => {
      stopWatching = io.onInterrupt(() => resolve(exitCodes.ok))
      if (flags.W !== undefined) timer = setTimeout(() => resolve(exitCodes.failed), flags.W * 1000)
      client.on('error', reject)
      client.on('close', () => reject(new AppError('bad_request', 'the server closed the connection')))
      // Replaces the emitter's way, so that the next message waits until this one is written.
      client.handleMessage = (packet: IPublishPacket, done) => {
        if (count === flags.C || isLeftOut(packet, flags)) return done()
        count++
        const isLast = count === flags.C
        io.stdout.write(format(io, packet, flags), (error) => {
          if (error) return reject('code' in error && error.code === 'EPIPE' ? new ReaderGone() : error)
          done()
          if (isLast) resolve(exitCodes.ok)
        })
      }
      subscribe(client, flags).catch(reject)
    })
  } finally {
    clearTimeout(timer)
    stopWatching()
    client.removeAllListeners('close')
  }
}

async function subscribe(client: MqttClient, flags: SubFlags): Promise<void> {
  const granted = await client.subscribeAsync(flags.topic, { qos: flags.qos })
  const refused = granted.filter(({ qos }) => qos >= 128)
  if (refused.length > 0) {
    const names = refused.map(({ topic }) => printable(topic)).join(', ')
    throw new AppError('forbidden', `the server refused the subscription to ${names}`)
  }
}

function isLeftOut(packet: IPublishPacket, flags: SubFlags): boolean {
  if (flags.R && packet.retain) return true
  return flags.filterOut.some((filter) => matches(filter, packet.topic))
}

function format(io: Io, { topic, payload, qos, retain }: IPublishPacket, flags: SubFlags): string | Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  if (flags.json) {
    const text = bytes.toString('utf8')
    const content = Buffer.from(text).equals(bytes)
      ? { payload: text }
      : { payload_base64: bytes.toString('base64') }
    return `${JSON.stringify({ topic, qos, retain, ...content })}\n`
  }
  const before = flags.verbose ? `${topic} ` : ''
  const after = flags.N ? '' : '\n'
  if (io.stdout.isTTY === true) return visible(before + bytes.toString('utf8')) + after
  return Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)])
}

/** A payload must not steer the terminal; line ends and tabs are harmless. */
function visible(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
