// The numbers of readings. They follow the clock: a reading that is alone in its millisecond has a number that its receive
// time tells, so that hardly a bit of it is stored. They rise by one at least, whatever the clock does.

/** Numbers that a millisecond has; more readings than that run ahead of the clock. */
export const seqsPerMs = 1024

/** Clocks beyond (the year 2109) are not followed: numbers stay integers that a double and the packed columns hold. */
const clockMax = 2 ** 42

/** The number of a reading received at `receivedAt` (milliseconds since 1970) after the one with number `last`. */
export function seqAfter(last: number, receivedAt: number): number {
  const clock = receivedAt < clockMax ? receivedAt * seqsPerMs : 0
  return clock > last ? clock : last + 1
}
