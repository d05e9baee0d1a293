// How long the disk will do: at the pace of the last day, within what the store may take, and nothing while nothing is known.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Directory } from '../../../src/store/leveldb/directory.ts'
import { DiskMeter } from '../../../src/store/leveldb/disk.ts'

const path = mkdtempSync(join(tmpdir(), 'amber-disk-'))
afterAll(() => rmSync(path, { recursive: true }))
writeFileSync(join(path, '000001.ldb'), Buffer.alloc(1000))

const dayMs = 86_400_000

/** One block for each of the last four days, 100 readings each, and one that is a year old. */
function directory(): Directory {
  const now = Date.now()
  const block = (tmin: number, tmax: number, count: number, seq: number) => ({
    tmin,
    tmax,
    seq,
    seqMin: seq,
    seqMax: seq + count,
    count,
  })
  const days = [4, 3, 2, 1].map((ago, i) =>
    block(now - ago * dayMs, now - (ago - 1) * dayMs - 1, 100, 1000 + i * 1000),
  )
  return new Directory().with(new Map([[0, [block(now - 365 * dayMs, now - 364 * dayMs, 100, 1), ...days]]]))
}

test('500 readings of 1,000 bytes, 100 of them a day, fill another 1,000 bytes in five days', async () => {
  const meter = new DiskMeter(path, 2000)
  expect(meter.daysUntilFull).toBeNull()
  await meter.measure({ readings: 500, hot: 0, directory: directory() })
  expect(meter.bytes).toBe(1000)
  expect(meter.freeBytes).toBeGreaterThan(0)
  expect(meter.daysUntilFull).toBeCloseTo(5, 1)
})

test('readings in memory count for the pace, and a store above its limit is full now', async () => {
  const meter = new DiskMeter(path, 900)
  await meter.measure({ readings: 500, hot: 0, directory: directory() })
  expect(meter.daysUntilFull).toBe(0)
  const faster = new DiskMeter(path, 2000)
  await faster.measure({ readings: 500, hot: 100, directory: directory() })
  expect(faster.daysUntilFull).toBeCloseTo(2.5, 1)
})

test('without readings, or without any of the last day, nothing is known', async () => {
  const meter = new DiskMeter(path, 0)
  await meter.measure({ readings: 0, hot: 0, directory: new Directory() })
  expect(meter.daysUntilFull).toBeNull()
  await meter.measure({ readings: 5, hot: 0, directory: new Directory() })
  expect(meter.daysUntilFull).toBeNull()
})
