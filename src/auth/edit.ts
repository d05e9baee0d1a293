// Changes to a password file, as mosquitto_passwd makes them: comments and other lines stay as they are,
// and the file on the disk is either the old one or the new one, never a part.

import { chmod, chown, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../domain/errors.ts'
import { createPasswordHash, type HashMethod } from './hash.ts'
import { parseLine } from './passwordFile.ts'

/** The text with `name`'s line replaced, or added at the end. */
export function setPassword(text: string, path: string, name: string, hash: string): string {
  checkName(name)
  const lines = linesOf(text)
  const at = lines.findIndex((line, index) => parseLine(line, index + 1, path)?.name === name)
  if (at === -1) lines.push(`${name}:${hash}`)
  else lines[at] = `${name}:${hash}`
  return `${lines.join('\n')}\n`
}

/** The text without `name`, or `null` when it is not in there. */
export function deletePassword(text: string, path: string, name: string): string | null {
  const lines = linesOf(text)
  const kept = lines.filter((line, index) => parseLine(line, index + 1, path)?.name !== name)
  if (kept.length === lines.length) return null
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`
}

/** The text with every plain password hashed, and how many there were. */
export async function hashPlainPasswords(
  text: string,
  path: string,
  method: HashMethod,
): Promise<{ text: string; hashed: number }> {
  const lines = linesOf(text)
  let hashed = 0
  for (const [index, line] of lines.entries()) {
    const account = parseLine(line, index + 1, path)
    if (account?.hash.kind !== 'plain') continue
    lines[index] = `${account.name}:${await createPasswordHash(Buffer.from(account.hash.text), method)}`
    hashed++
  }
  return { text: lines.length === 0 ? '' : `${lines.join('\n')}\n`, hashed }
}

/** Throws `bad_request` for a name that could not be told from the rest of its line. */
export function checkName(name: string): void {
  const fault =
    name === ''
      ? 'is empty'
      : name.includes(':')
        ? 'contains ":", which ends the name in the file'
        : /[\p{Cc}]/u.test(name) || !name.isWellFormed()
          ? 'contains a control character'
          : name.trim() !== name || name.startsWith('#')
            ? 'begins or ends with a space, or begins with #'
            : Buffer.byteLength(name) > 65_535
              ? 'is longer than 65535 bytes [MQTT-1.5.4]'
              : null
  if (fault !== null) throw new AppError('bad_request', `the user name ${fault}; choose another`)
}

/** Throws `bad_request` for a password that no client could send. */
export function checkPassword(password: string): void {
  if (password === '') throw new AppError('bad_request', 'the password is empty; nothing was changed')
  if (Buffer.byteLength(password) > 65_535) {
    throw new AppError('bad_request', 'the password is longer than 65535 bytes [MQTT-3.1.3.6]')
  }
}

/** The file's text; `bad_password_file` when it is not there or cannot be read. */
export async function readPasswordFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT'
    const why = missing ? 'there is no such file; add -c to make it' : reasonOf(error)
    throw new AppError('bad_password_file', `cannot read ${path}: ${why}`, { cause: error })
  }
}

/** Replaces the file in one step. A new file gets mode 0600; an old one keeps its mode and owner. */
export async function writePasswordFile(path: string, text: string): Promise<void> {
  try {
    const target = await realpath(path).catch(() => path)
    const old = await stat(target).catch(() => null)
    const temporary = `${target}.${process.pid}.tmp`
    try {
      await writeDurably(temporary, text)
      if (old) {
        await chmod(temporary, old.mode & 0o7777)
        if (process.getuid?.() === 0) await chown(temporary, old.uid, old.gid)
      }
      await rename(temporary, target)
    } catch (error) {
      await rm(temporary, { force: true })
      // A file mounted into a container by itself cannot be replaced, only written.
      if (errnoOf(error) !== 'EBUSY') throw error
      await writeFile(target, text)
    }
    await syncDirectory(dirname(target))
  } catch (error) {
    throw new AppError('bad_password_file', `cannot write ${path}: ${reasonOf(error)}`, { cause: error })
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function reasonOf(error: unknown): string {
  const errno = errnoOf(error)
  if (errno === 'ENOENT') return 'its directory does not exist'
  if (errno === 'EACCES' || errno === 'EPERM') return 'this user may not; change its owner or its mode'
  if (errno === 'EROFS') return 'the file system is read-only'
  if (errno === 'EISDIR') return 'it is a directory; name a file'
  return error instanceof Error ? error.message : String(error)
}
