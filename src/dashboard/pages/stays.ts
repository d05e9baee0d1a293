// From when to when a client was there, out of the connects and disconnects that are remembered.

const minuteMs = 60_000
const spansMs = [15 * minuteMs, 60 * minuteMs, 6 * 60 * minuteMs, 24 * 60 * minuteMs]

/** The shortest of some round spans of time that reaches back to the first of `times`; a day at most. */
export function spanOf(times: readonly string[], now: number): number {
  const age = now - Math.min(now, ...times.map((time) => Date.parse(time)))
  return spansMs.find((span) => span >= age) ?? spansMs.at(-1) ?? age
}

export interface Stay {
  from: number
  to: number
}

/** Events come newest first. */
export function staysOf(
  { connected, since }: { connected: boolean; since: string | null },
  events: readonly { event: 'connected' | 'disconnected'; time: string }[],
  end: number,
): Stay[] {
  const stays: Stay[] = []
  let to = connected ? end : null
  for (const { event, time } of events) {
    const ms = Date.parse(time)
    if (event === 'disconnected') to = ms
    else {
      if (to !== null) stays.push({ from: ms, to })
      to = null
    }
  }
  // It came before the first event that is remembered.
  if (to !== null) stays.push({ from: since !== null && to === end ? Date.parse(since) : 0, to })
  return stays
}
