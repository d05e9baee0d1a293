// The password file: `name:hash` lines as mosquitto_passwd writes them, comments after `#`, and two weaker
// forms that are accepted with a warning: `name:plain text` and `user NAME PASSWORD`. Pure: text in, accounts out.

import { AppError } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'
import { type Hash, parseHash } from './hash.ts'

export interface Account {
  name: string
  hash: Hash
  /** Counted from 1. */
  line: number
  /** How the line writes it: `user NAME PASSWORD` is the form of the old auth plugin. */
  form: 'colon' | 'words'
}

/** Bytes a password file may have: a million accounts and some. */
export const passwordFileBytesMax = 256 * 1024 * 1024

/** MQTT's own limit for a user name and a password [MQTT-1.5.4, 3.1.3.6]. */
const textBytesMax = 65_535

/** The accounts by name. Throws `bad_password_file` at the first line that is none, saying which and what to do. */
export function parsePasswordFile(text: string, path: string): Map<string, Account> {
  const accounts = new Map<string, Account>()
  for (const [index, raw] of text.split('\n').entries()) {
    const account = parseLine(index === 0 ? raw.replace(/^\uFEFF/, '') : raw, index + 1, path)
    if (account === null) continue
    const earlier = accounts.get(account.name)
    if (earlier !== undefined) {
      fail(
        path,
        account.line,
        `the user ${printable(account.name)} is already on line ${earlier.line}; delete one of the two lines`,
      )
    }
    accounts.set(account.name, account)
  }
  return accounts
}

/** One line for each weak form in use, with the command that ends it. */
export function passwordFileWarnings(
  accounts: ReadonlyMap<string, Account>,
  path: string,
  program: string,
): string[] {
  const warnings: string[] = []
  const weak = [...accounts.values()].filter((account) => account.hash.kind === 'plain')
  const plain = weak.filter((account) => account.form === 'colon')
  const words = weak.filter((account) => account.form === 'words')
  const mend = `hash the file with: ${program} passwd -U ${path}`
  if (plain.length > 0) {
    warnings.push(`${path}: passwords in plain text on ${lineList(plain)}; ${mend}`)
  }
  if (words.length > 0) {
    warnings.push(`${path}: old "user NAME PASSWORD" lines in plain text on ${lineList(words)}; ${mend}`)
  }
  return warnings
}

/** The account on one line, or `null` for a blank line or a comment. Throws `bad_password_file`. */
export function parseLine(raw: string, line: number, path: string): Account | null {
  const text = raw.trim()
  if (text === '' || text.startsWith('#')) return null
  const words = /^user\s+([^\s:]+)\s+(\S.*)$/.exec(text)
  const colon = text.indexOf(':')
  // `user x:$7$…` is a user named "user x"; a hash never stands in the old form.
  const isWords = words !== null && (colon === -1 || !/^\$[A-Za-z0-9-]+\$/.test(text.slice(colon + 1)))
  if (!isWords && colon === -1) {
    fail(path, line, 'there is no ":" between the name and the hash; write the line with: amber passwd')
  }
  const name = isWords ? (words[1] ?? '') : text.slice(0, colon).trim()
  const secret = isWords ? (words[2] ?? '') : text.slice(colon + 1).trim()
  if (name === '') fail(path, line, 'there is no name before the ":"; delete the line')
  if (secret === '') {
    fail(path, line, `the user ${printable(name)} has no password; set one with: amber passwd`)
  }
  if (Buffer.byteLength(name) > textBytesMax || Buffer.byteLength(secret) > textBytesMax) {
    fail(path, line, `a name and a password have at most ${textBytesMax} bytes`)
  }
  const hash = parseHash(secret)
  if (typeof hash === 'string') {
    fail(
      path,
      line,
      `the password of ${printable(name)} cannot be checked: ${hash}; set it again with: amber passwd`,
    )
  }
  return { name, hash, line, form: isWords ? 'words' : 'colon' }
}

function fail(path: string, line: number, message: string): never {
  throw new AppError('bad_password_file', `${path}:${line}: ${message}`, {
    problems: [{ path: `${path}:${line}`, message }],
  })
}

function lineList(accounts: readonly Account[]): string {
  const lines = accounts.slice(0, 5).map((account) => account.line)
  const more = accounts.length - lines.length
  return `line${accounts.length === 1 ? '' : 's'} ${lines.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
