// How large the program of a regular expression becomes. RE2 writes `x{1000}` out a thousand times, and compiling some hundred
// of them holds everything up for seconds; matching takes linear time whatever there is.

/**
 * Characters and classes that stand in `pattern` once its repeats are written out. An upper bound, not a parser: what is no
 * regular expression has a size too, and the compiler says what is wrong with it.
 */
export function patternSize(pattern: string): number {
  /** Sizes of the groups that are open. */
  const outer: number[] = []
  let size = 0
  /** Of what a repeat would be of. */
  let last = 0
  const add = (atom: number): void => {
    size += atom
    last = atom
  }
  let at = 0
  while (at < pattern.length) {
    const [token = ''] = tokenAt(pattern, at) ?? []
    at += Math.max(1, token.length)
    const repeat = token.length > 2 ? /^\{(\d+)(?:,(\d*))?\}$/.exec(token) : null
    if (repeat !== null) {
      const times = Math.max(Number(repeat[1]), Number(repeat[2] ?? 0), 1)
      size += last * (times - 1)
      last *= times
    } else if (token === '(') {
      outer.push(size)
      size = 0
      last = 0
    } else if (token === ')') {
      const group = size + 1
      size = outer.pop() ?? 0
      add(group)
    } else if (token.startsWith('\\Q')) add(token.length)
    else if (token !== '?' && token !== '*' && token !== '+') add(1)
  }
  return outer.reduce((sum, before) => sum + before, size)
}

/** A repeat, an escape, a quoted text, a class, or one character. */
const token =
  /\{\d{1,9}(?:,\d{0,9})?\}|\\Q[^]*?(?:\\E|$)|\\x\{\w{1,8}\}|\\[^]|\[\^?\]?(?:\\[^]|\[:\^?\w+:\]|[^\]\\])*\]|[^]/y

function tokenAt(pattern: string, at: number): RegExpExecArray | null {
  token.lastIndex = at
  return token.exec(pattern)
}
