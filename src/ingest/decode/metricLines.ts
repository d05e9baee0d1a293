// Lines of `name value time` as monitoring sends them: Graphite's plaintext protocol, and the text exposition format of Prometheus,
// whose labels are part of the name. Lines of one moment are one record. Text with one other line in it is none.

import { type Decoded, type Format, Leaves } from './decoded.ts'

/** `servers.web1.load;dc=eu 0.42 1795521590`: a path, a number, seconds since 1970; -1 and `N` are now. */
const graphite =
  /^([A-Za-z_][\w.%~:/+-]{0,255}(?:;[\w.-]{1,64}=[^\s;]{1,128}){0,32})[ \t]{1,8}([+-]?(?:\d{1,32}(?:\.\d{0,32})?|\.\d{1,32})(?:[eE][+-]?\d{1,3})?|nan|NaN)[ \t]{1,8}(\d{10}(?:\.\d{1,9})?|\d{13}|-1|N)$/
/** `http_requests_total{code="200"} 1027 1795521590000`: a name, labels, a number, and seldom milliseconds since 1970. */
const prometheus =
  /^([A-Za-z_:][\w:]{0,255})(\{(?:[A-Za-z_]\w{0,127}="(?:[^"\\\n]|\\.){0,512}",?[ \t]{0,4}){0,64}\})?[ \t]{1,8}([+-]?(?:\d{1,32}(?:\.\d{0,32})?|\.\d{1,32})(?:[eE][+-]?\d{1,3})?|[+-]?Inf|NaN)(?:[ \t]{1,8}(\d{12,14}))?(?: # .{0,512})?$/
const lineCharsMax = 8192

interface Line {
  name: string
  value: number
  /** Milliseconds since 1970; `null`: now. */
  time: number | null
}

/** `null` when a line of `text` is none. */
export function decodeGraphite(text: string): Decoded | null {
  // Most text shows in its first line that it is something else.
  if (
    !/^[A-Za-z_][^\s"{]{0,4096}[ \t]{1,8}[-+.\dnN][^\s]{0,64}[ \t]{1,8}[-N\d][\d.]{0,24}\r?(?:\n|$)/.test(
      text,
    )
  )
    return null
  return linesOf(text, 'graphite', (line) => {
    const [, name = '', value = '', time = ''] = graphite.exec(line) ?? []
    if (name === '') return null
    if (!/^\d/.test(time)) return name.includes('.') ? { name, value: Number(value), time: null } : null
    return { name, value: Number(value), time: Math.round(Number(time) * (/^\d{13}$/.test(time) ? 1 : 1000)) }
  })
}

/** `null` when a line of `text` is none, or none of them shows that it is of Prometheus. */
export function decodePrometheus(text: string): Decoded | null {
  if (!/^# (?:HELP|TYPE) |^[A-Za-z_:][\w:]{0,255}\{[A-Za-z_]\w{0,127}="/.test(text)) return null
  return linesOf(text, 'prometheus', (line) => {
    const [, name = '', labels = '', value = '', time] = prometheus.exec(line) ?? []
    if (name === '') return null
    const bare = labels.replace(/,?[ \t]*\}$/, '}')
    return {
      name: bare === '{}' ? name : name + bare,
      value: Number(value),
      time: time ? Number(time) : null,
    }
  })
}

/** NaN and infinities are no values, as everywhere. */
function linesOf(text: string, format: Format, read: (line: string) => Line | null): Decoded | null {
  const byTime = new Map<number | null, Line[]>()
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const found = line.length > lineCharsMax ? null : read(line)
    if (!found) return null
    const group = byTime.get(found.time)
    if (group) group.push(found)
    else byTime.set(found.time, [found])
  }
  const leaves = new Leaves()
  for (const [time, lines] of byTime) {
    for (const { name, value } of lines) leaves.set(name, value)
    leaves.end({ time })
  }
  return byTime.size > 0 ? leaves.decoded(format) : null
}
