// Sentences of NMEA 0183 (GPS and ship's instruments, AIS). They are recognised so that nothing is made of them: what looks like
// a number there is hours and minutes, or degrees and minutes.

/** `$GPGGA,` and the like; with a checksum names of other lengths, as makers have their own. */
const sentence = /^[!$][A-Z]{2}[A-Z0-9]{3}(?:,[^,]*){4}/
const checked = /^[!$][A-Z]{2}[A-Z0-9]*,[^\n]*\*[0-9A-Fa-f]{2}$/

/** Whether every line of `text` is a sentence. */
export function isNmea(text: string): boolean {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.every((line) => line === '' || sentence.test(line) || checked.test(line))
}
