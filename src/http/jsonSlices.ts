// The exact text of parts of a JSON document that JSON.parse has accepted already.

/** The text of each element of a JSON array. */
export function elementsOf(json: string): string[] {
  return split(json)
}

/** Key → text of its value, for a JSON object; the last of equal keys counts, as in JSON.parse. */
export function membersOf(json: string): Map<string, string> {
  const members = new Map<string, string>()
  for (const member of split(json)) {
    const end = stringEnd(member, 0)
    const colon = member.indexOf(':', end)
    members.set(JSON.parse(member.slice(0, end)) as string, member.slice(colon + 1).trim())
  }
  return members
}

/** The parts between the outermost brackets, cut at the commas of that depth. */
function split(json: string): string[] {
  const text = json.trim()
  const parts: string[] = []
  let depth = 0
  let start = 1
  for (let at = 0; at < text.length; at++) {
    const c = text[at]
    if (c === '"') at = stringEnd(text, at) - 1
    else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
    else if (c === ',' && depth === 1) {
      parts.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  const last = text.slice(start, -1).trim()
  return last === '' ? parts : [...parts, last]
}

/** Where the string that begins at `at` ends: just after its closing quote. */
function stringEnd(text: string, at: number): number {
  let end = at + 1
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end + 1
}
