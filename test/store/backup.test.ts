// The stream of a backup: what goes in comes out, and one that was cut off or altered anywhere is never believed.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DatabaseRecord, decodeBackup, encodeBackup } from '../../src/store/backup.ts'

const head = { version: '1', created_at: '2026-01-01T00:00:00.000Z', disk_bytes: 5 }

async function* listOf<T>(...items: T[]): AsyncGenerator<T> {
  yield* items
}

async function backupOf(sections: readonly (readonly DatabaseRecord[])[]): Promise<Buffer> {
  const pieces: Buffer[] = []
  const all = sections.map((records, i) => ({ name: `db${i}`, records: listOf(records) }))
  for await (const piece of encodeBackup(head, all)) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function restored(source: AsyncIterable<Uint8Array>): Promise<Map<string, [string, string][]>> {
  const found = new Map<string, [string, string][]>()
  await decodeBackup(source, {
    async onHead({ databases }) {
      for (const name of databases) found.set(name, [])
    },
    async onRecords(name, records) {
      for (const [key, value] of records) {
        found.get(name)?.push([Buffer.from(key).toString('hex'), Buffer.from(value).toString('hex')])
      }
    },
  })
  return found
}

const record = fc.tuple(fc.uint8Array({ maxLength: 30 }), fc.uint8Array({ maxLength: 200 }))

test('any records come back in their order, however the stream is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(record, { maxLength: 8 }), { maxLength: 3 }),
      fc.integer({ min: 1, max: 97 }),
      async (sections, pieceBytes) => {
        const whole = await backupOf(sections)
        const pieces: Buffer[] = []
        for (let at = 0; at < whole.length; at += pieceBytes) pieces.push(whole.subarray(at, at + pieceBytes))
        const found = await restored(listOf(...pieces))
        expect([...found.values()]).toEqual(
          sections.map((records) =>
            records.map(([key, value]) => [
              Buffer.from(key).toString('hex'),
              Buffer.from(value).toString('hex'),
            ]),
          ),
        )
      },
    ),
  )
})

test('a backup that ends anywhere before its end is refused', async () => {
  const whole = await backupOf([[[Buffer.from('k'), Buffer.from('v')]], []])
  for (let length = 0; length < whole.length; length++) {
    await expect(restored(listOf(whole.subarray(0, length))), `${length}`).rejects.toMatchObject({
      code: 'store_corrupt',
    })
  }
  await expect(restored(listOf(whole, Buffer.from('x')))).rejects.toMatchObject({ code: 'store_corrupt' })
})

test('one flipped bit anywhere is noticed', async () => {
  const whole = await backupOf([[[Buffer.from('key'), Buffer.from('value')]]])
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = Buffer.from(whole)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    await expect(restored(listOf(flipped)), `bit ${bit}`).rejects.toMatchObject({ code: 'store_corrupt' })
  }
})
