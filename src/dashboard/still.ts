// Keeps what is scrolled past from being asked for: the server has devices to answer.

import { useEffect, useState } from 'preact/hooks'

/** Stands between topics in a text: the one character that none of them holds. */
export const between = '\0'

/** The text once it has not changed for `forMs`. */
export function useStill(text: string, forMs: number): string {
  const [still, setStill] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setStill(text), forMs)
    return () => clearTimeout(timer)
  }, [text, forMs])
  return still
}
