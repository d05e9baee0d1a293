// The shapes of a store on the disk: one record for each, numbered from 1, written twice, since every block that has a shape
// cannot be read without it.

import type { Shapes } from './block/shapes.ts'
import type { Database } from './database.ts'
import { mirrorKey, shapeKey } from './keys.ts'

type Batch = ReturnType<Database['batch']>

/** Puts the records of shapes above number `put`; the highest number that is put then. */
export function putShapes(batch: Batch, shapes: Shapes, put: number): number {
  for (let id = put + 1; id <= shapes.count; id++) {
    const record = shapes.encode(id)
    batch.put(shapeKey(id), record)
    batch.put(mirrorKey(shapeKey(id)), record)
  }
  return shapes.count
}

/** Takes in the shapes that were stored since; how many of them are damaged beyond help. */
export function loadShapes(db: Database, shapes: Shapes): number {
  let damaged = 0
  for (let id = shapes.count + 1; ; id++) {
    const key = shapeKey(id)
    const records = [db.getSync(key), db.getSync(mirrorKey(key))].filter((record) => record !== undefined)
    if (records.length === 0) return damaged
    if (!records.some((record) => isTaken(shapes, id, record))) {
      shapes.skip(id)
      damaged++
    }
  }
}

function isTaken(shapes: Shapes, id: number, record: Buffer): boolean {
  try {
    shapes.load(id, record)
    return true
  } catch {
    // The mirror may be whole; when neither is, whoever needs the shape is told.
    return false
  }
}
