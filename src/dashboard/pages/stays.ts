// From when to when a client was there, out of the connects and disconnects that are remembered.

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
