// `amber pub`: publishes messages, with mosquitto_pub's flags. It ends when the server has acknowledged what it must.

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import type { MqttClient } from 'mqtt'
import { AppError, asAppError } from '../domain/errors.ts'
import { topicFault } from '../domain/topic.ts'
import { type Io, UsageError } from './io.ts'
import { addMqttFlags, connectMqtt, type MqttFlags, qosNumber } from './mqttOptions.ts'

interface PubFlags extends MqttFlags {
  topic?: string
  message?: string
  file?: string
  stdinLine?: true
  stdinFile?: true
  nullMessage?: true
  qos: 0 | 1 | 2
  retain?: true
}

/** Publishes of `-l` under way at one time: enough to fill group commits, bounded in memory. */
const windowMax = 1000

const examples = `
Examples:
  amber pub -u admin -P 12345678 -t home/kitchen/temperature -m 21.5
  amber pub -t home/kitchen -m '{"temperature":21.5}' -q 1 -r
  amber pub -t camera/1 -f picture.jpg -q 1
  cat readings.txt | amber pub -t bulk -l -q 1        a message for each line

With -q 1 or -q 2 the command ends after the server has acknowledged, which means: stored.`

export function addPub(program: Command, { io }: { io: Io }): void {
  const command = program
    .command('pub')
    .summary('publish a message')
    .description('Publish by MQTT. The flags are those of mosquitto_pub.')
    .helpOption('--help', 'explain the command')
    .option('-t, --topic <topic>', 'topic to publish to')
    .option('-m, --message <text>', 'the payload')
    .option('-f, --file <file>', 'take the payload from a file')
    .option('-l, --stdin-line', 'a message for each line of standard input')
    .option('-s, --stdin-file', 'all of standard input as one message')
    .option('-n, --null-message', 'an empty payload; with -r it clears a retained message')
    .addOption(new Option('-q, --qos <qos>', '0, 1 or 2').default(0).argParser(qosNumber))
    .option('-r, --retain', 'retain the message')
    .addHelpText('after', examples)
    .action((flags: PubFlags) => pub(io, flags))
  addMqttFlags(command)
}

async function pub(io: Io, flags: PubFlags): Promise<void> {
  const ways = [flags.message, flags.file, flags.stdinLine, flags.stdinFile, flags.nullMessage]
  if (ways.filter((way) => way !== undefined).length !== 1) {
    throw new UsageError('say what to publish with exactly one of -m, -f, -l, -s and -n')
  }
  const { topic } = flags
  if (topic === undefined) throw new UsageError('say where to publish: -t TOPIC')
  const fault = topicFault(topic)
  if (fault !== null) throw new UsageError(`-t: ${fault}`)
  // Before the connection, so that a missing file leaves no client behind.
  const payload = flags.stdinLine ? null : await payloadOf(io, flags)
  const client = await connectMqtt(io, flags)
  const lost = lossOf(client)
  try {
    if (payload === null) await Promise.race([publishLines(io, { client, topic, flags }), lost.promise])
    else await Promise.race([publish({ client, topic, flags }, payload), lost.promise])
    lost.isExpected = true
    await client.endAsync()
  } catch (error) {
    lost.isExpected = true
    client.end(true)
    throw error
  }
}

async function payloadOf(io: Io, flags: PubFlags): Promise<Buffer> {
  if (flags.message !== undefined) return Buffer.from(flags.message)
  if (flags.stdinFile) return buffer(io.stdin)
  if (flags.file === undefined) return Buffer.alloc(0)
  try {
    return readFileSync(flags.file)
  } catch (error) {
    throw new AppError('bad_request', `cannot read ${flags.file}: ${String(error)}`, { cause: error })
  }
}

/** A connection that ends before the work is done is a failure, whatever is still waiting for an answer. */
function lossOf(client: MqttClient): { promise: Promise<never>; isExpected: boolean } {
  const loss = {
    isExpected: false,
    promise: new Promise<never>((_resolve, reject) => {
      const fail = (reason: string): void => {
        if (!loss.isExpected) reject(new AppError('bad_request', reason))
      }
      client.on('close', () => fail('the server closed the connection before it acknowledged; publish again'))
      client.on('error', (error) => fail(error.message))
    }),
  }
  loss.promise.catch(() => undefined)
  return loss
}

interface Publisher {
  client: MqttClient
  topic: string
  flags: PubFlags
}

async function publish({ client, topic, flags }: Publisher, payload: Buffer): Promise<void> {
  await client.publishAsync(topic, payload, { qos: flags.qos, retain: flags.retain === true })
}

async function publishLines(io: Io, publisher: Publisher): Promise<void> {
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  for await (const line of createInterface({ input: io.stdin, crlfDelay: Infinity })) {
    const sent = publish(publisher, Buffer.from(line))
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(sent))
    underWay.add(sent)
    if (underWay.size >= windowMax) await Promise.race(underWay)
    if (failures.length > 0) break
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw asAppError(failures[0], 'bad_request')
}
