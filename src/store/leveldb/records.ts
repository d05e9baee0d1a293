// Records that must be on the disk before the first row that speaks of them: new topics and new capture data. They go with
// the batch of that row; when it fails they go with the next.

import type { CaptureTable } from './captures.ts'
import { encodeFrame } from './frame.ts'
import { captureKey, mirrorKey, nameKey, topicKey } from './keys.ts'
import { encodeTopic, type StoredTopic } from './topicRecord.ts'

interface DatabaseRecord {
  key: Buffer
  value: Buffer
}

export class NewRecords {
  readonly #captures: CaptureTable
  #waiting: DatabaseRecord[] = []
  /** In the batch under way. */
  #taken: DatabaseRecord[] = []
  #takenCaptures = 0

  constructor(captures: CaptureTable) {
    this.#captures = captures
  }

  addTopic(id: number, topic: StoredTopic): void {
    this.#waiting.push({ key: topicKey(id), value: encodeTopic(topic) })
    this.#waiting.push({ key: nameKey(id), value: encodeFrame(Buffer.from(topic.name)) })
  }

  take(): readonly DatabaseRecord[] {
    this.#taken = this.#waiting
    this.#waiting = []
    this.#takenCaptures = this.#captures.fresh.size
    const captures = [...this.#captures.fresh].flatMap(([id, text]) => {
      const key = captureKey(id)
      const value = encodeFrame(Buffer.from(text))
      return [
        { key, value },
        { key: mirrorKey(key), value },
      ]
    })
    return [...this.#taken, ...captures]
  }

  /** What was taken is on the disk. */
  saved(): void {
    this.#captures.saved(this.#takenCaptures)
    this.#takenCaptures = 0
    this.#taken = []
  }

  /** What was taken is not on the disk. */
  putBack(): void {
    this.#waiting = [...this.#taken, ...this.#waiting]
    this.#taken = []
    this.#takenCaptures = 0
  }
}
