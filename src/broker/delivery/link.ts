// The way to a connected subscriber: its limits, what is under way on it, and the bytes of what it is sent.

import type { BrokerClient } from '../client.ts'
import type { Outlet } from '../flush.ts'
import { smallBytesMax } from '../flush.ts'
import type { Message } from '../message.ts'
import { unmounted } from '../mountPoint.ts'
import type { Entry } from '../sessions/outbox.ts'
import { encodePublish, type FormOptions, type PublishForm, publishHeader } from '../wire/publish.ts'

export interface Link {
  readonly client: BrokerClient
  readonly outlet: Outlet
  readonly version: number
  /** QoS 1 and 2 messages that may be unacknowledged: ours, or less when the client says so [MQTT-3.3.4-7]. */
  readonly window: number
  /** Largest packet the client takes [MQTT-3.1.2-24]. */
  readonly packetBytesMax: number
  /** In front of every topic, and not sent; empty for none. */
  readonly mountPoint: string
  readonly aliases: Aliases | null
  /** Unacknowledged on this connection. */
  underWay: number
  /** Entries an earlier connection left, the last one first, which go before anything new [MQTT-4.4.0-1]. */
  resend: Entry[]
  /** Waits for the journal, or for the socket to drain. */
  waiting: boolean
  /** The rest of its retained messages goes on in a later turn. */
  pumpsLater: boolean
}

/** Topics the client has a number for [MQTT-3.3.2-12]. */
export interface Aliases {
  readonly max: number
  readonly numbers: Map<string, number>
}

/** The forms of one message while it goes out to many: made once for each kind of subscriber. */
export class Forms {
  readonly #forms = new Map<number, PublishForm>()
  readonly #mounts = new Map<string, Forms>()
  readonly message: Message
  readonly #now: number

  constructor(message: Message, now: number) {
    this.message = message
    this.#now = now
  }

  /** For clients of a mount point the topic is below. */
  below(mountPoint: string): Forms {
    let forms = this.#mounts.get(mountPoint)
    if (forms === undefined) {
      forms = new Forms(unmounted(mountPoint, this.message), this.#now)
      this.#mounts.set(mountPoint, forms)
    }
    return forms
  }

  /** For a subscriber without anything of its own in the packet. */
  plain(version: number, identified: boolean): PublishForm {
    const key = (version === 5 ? 2 : 0) + (identified ? 1 : 0)
    let form = this.#forms.get(key)
    if (form === undefined) {
      form = encodePublish(this.message, formOptions(this.message, this.#now, version, identified, []))
      this.#forms.set(key, form)
    }
    return form
  }
}

function formOptions(
  { expiresAt }: Message,
  now: number,
  version: number,
  identified: boolean,
  subscriptionIds: readonly number[],
): FormOptions {
  // What is left of the life of a message is what it is sent with [MQTT-3.3.2-6].
  const expirySeconds = expiresAt === null ? null : Math.max(0, Math.ceil((expiresAt - now) / 1000))
  return { version, identified, subscriptionIds, expirySeconds }
}

export interface Sending {
  message: Message
  qos: 0 | 1 | 2
  retain: boolean
  dup: boolean
  messageId: number
  subscriptionIds: readonly number[]
}

/** Writes a PUBLISH; `false` when it is larger than the client takes, and so is not sent [MQTT-3.1.2-25]. */
export function sendPublish(link: Link, sending: Sending, allForms: Forms | null, now: number): boolean {
  const { qos, retain, dup, messageId, subscriptionIds } = sending
  const { version, mountPoint } = link
  // MQTT.js 5.16 looks an alias up at PUBLISH and hands a QoS 2 message on at PUBREL, by then without a topic.
  const aliases = qos === 2 ? null : link.aliases
  const isMounted = mountPoint !== ''
  const forms = isMounted ? (allForms?.below(mountPoint) ?? null) : allForms
  const message = isMounted ? (forms?.message ?? unmounted(mountPoint, sending.message)) : sending.message
  let form: PublishForm
  if (forms !== null && subscriptionIds.length === 0 && aliases === null) form = forms.plain(version, qos > 0)
  else {
    const options = formOptions(message, now, version, qos > 0, subscriptionIds)
    form = encodePublish(
      message,
      aliases === null ? options : { ...options, ...aliasOf(aliases, message.topic) },
    )
  }
  if (form.bytes > link.packetBytesMax) return false
  if (aliases !== null) learn(aliases, message.topic)
  write(link.outlet, form, publishHeader(qos, retain, dup), messageId)
  const { flow } = link.client.amber
  flow.messagesOut++
  flow.bytesOut += message.payload.length
  return true
}

function write(
  outlet: Outlet,
  { head, payload, idAt }: PublishForm,
  header: number,
  messageId: number,
): void {
  const together = head.length + payload.length <= smallBytesMax
  const bytes =
    together || head.length <= smallBytesMax
      ? outlet.reserve(head.length + (together ? payload.length : 0))
      : Buffer.from(head)
  bytes.set(head)
  bytes[0] = header
  if (idAt > 0) bytes.writeUInt16BE(messageId, idAt)
  if (together) bytes.set(payload, head.length)
  else {
    if (head.length > smallBytesMax) outlet.add(bytes)
    outlet.add(payload)
  }
}

function aliasOf({ max, numbers }: Aliases, topic: string): { alias: number; topicOmitted: boolean } {
  const known = numbers.get(topic)
  if (known !== undefined) return { alias: known, topicOmitted: true }
  return { alias: numbers.size < max ? numbers.size + 1 : 0, topicOmitted: false }
}

function learn({ max, numbers }: Aliases, topic: string): void {
  if (numbers.size < max && !numbers.has(topic)) numbers.set(topic, numbers.size + 1)
}
