// What became of each line of a mosquitto.conf, for people: line by line, and how many of each kind.

import type { Note } from './conversion.ts'

const widthMax = 44

/** Ends with a newline. */
export function formatNotes(notes: readonly Note[]): string {
  const places = notes.map(({ file, line }) => (line === 0 ? file : `${file}:${line}`))
  const placeWidth = Math.min(widthMax, Math.max(0, ...places.map((place) => place.length)))
  const wordWidth = Math.min(widthMax, Math.max(0, ...notes.map(({ keyword }) => keyword.length)))
  const rows = notes.map(({ keyword, outcome, message }, index) => {
    const place = (places[index] ?? '').padEnd(placeWidth)
    return `  ${place}  ${keyword.padEnd(wordWidth)}  ${outcome === 'understood' ? '' : `${outcome}: `}${message}`
  })
  return `${[...rows, '', `  ${summary(notes)}`].join('\n')}\n`
}

function summary(notes: readonly Note[]): string {
  const counts = (['understood', 'ignored', 'warning', 'error'] as const).map((outcome) => {
    const count = notes.filter((note) => note.outcome === outcome).length
    return `${count} ${outcome}${outcome === 'warning' || outcome === 'error' ? (count === 1 ? '' : 's') : ''}`
  })
  return `${notes.length} lines: ${counts.join(', ')}.`
}
