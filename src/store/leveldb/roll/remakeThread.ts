// The thread that makes fields of stored readings again: has the same database open as the main thread, and runs a module that
// knows the rules, which those who ask name.

import { parentPort, workerData } from 'node:worker_threads'
import type { CreateRowMaker, RowMaker, ThreadRemaker } from '../../remaker.ts'
import { Shapes } from '../block/shapes.ts'
import { openThreadDatabase } from '../database.ts'
import { Directory } from '../directory.ts'
import { pausing } from '../pausing.ts'
import { loadShapes } from '../shapeTable.ts'
import { type Method, type Out, serveCalls } from '../thread/calls.ts'
import type { ViewParams } from '../thread/main.ts'
import type { ThreadData } from '../thread/thread.ts'
import type { RemakeInput } from './remake.ts'
import { type RemakeAnswer, type RemakeAsk, RemakeInPlace } from './remakeInPlace.ts'
import type { RollContext } from './roll.ts'

export interface MakeParams extends ViewParams, RemakeAsk {
  maker: ThreadRemaker
}

export interface WriteParams extends ViewParams {
  ids: Uint32Array
  captures: RemakeInput['captures']
}

/** Messages are let in every now and then. */
const turnMs = 50

if (!parentPort) throw new Error('this module runs in a thread of the store')
const port = parentPort
const { path } = workerData as ThreadData
const opening = openThreadDatabase(path).then((db) => ({ db, remake: new RemakeInPlace(db) }))
let shapes = new Shapes()
let last: { key: string; maker: Promise<RowMaker> } | null = null

function makerOf({ key, module, data }: ThreadRemaker): Promise<RowMaker> {
  if (last?.key !== key) {
    const maker = import(module).then((loaded: { createRowMaker: CreateRowMaker }) =>
      loaded.createRowMaker(data),
    )
    last = { key, maker }
  }
  return last.maker
}

async function make({ pages, maker, ...ask }: MakeParams): Promise<RemakeAnswer> {
  const { db, remake } = await opening
  loadShapes(db, shapes)
  return remake.make({ shapes, directory: new Directory(pages) }, ask, await makerOf(maker))
}

async function write({ pages, ...made }: WriteParams, out: Out) {
  const { db, remake } = await opening
  const exchange = async (word: string): Promise<void> => {
    if (!(await out.exchange(word))) throw new Error('the change was cancelled')
  }
  let replacedRows = 0
  const context: RollContext = {
    db,
    shapes,
    directory: new Directory(pages),
    beforeWrite: () => exchange('prepared'),
    write: async (batch) => {
      await exchange('write')
      await batch.write({ sync: true })
      await out.exchange('written')
    },
    onReplaced: (rows) => (replacedRows += rows),
    pause: pausing(turnMs),
  }
  try {
    const { directory, readings } = await remake.write(context, made)
    return { readings, pages: directory.shared, replacedRows }
  } catch (error) {
    // Some of the shapes may not be on the disk.
    shapes = new Shapes()
    throw error
  }
}

const methods: Record<string, Method> = {
  make,
  write,
  close: async () => (await opening).db.close(),
}

serveCalls(port, methods)
