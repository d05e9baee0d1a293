// A mosquitto.conf as lines of keyword and value, files of include_dir put in at their place. Mosquitto's own rules: a
// comment begins in the first column, a value goes to the end of the line.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { printable } from '../../domain/topic.ts'

export interface ConfLine {
  file: string
  line: number
  keyword: string
  /** Empty when the keyword stands alone. */
  value: string
}

const fileBytesMax = 1_048_576
const filesMax = 1000
const depthMax = 10

/** Pure: the lines of one file. */
export function parseConfLines(text: string, file: string): ConfLine[] {
  return text.split('\n').flatMap((row, index) => {
    const trimmed = row.trim()
    if (row.startsWith('#') || trimmed === '') return []
    const [, keyword = '', value = ''] = /^(\S+)\s*(.*)$/s.exec(trimmed) ?? []
    return [{ file, line: index + 1, keyword: printable(keyword), value: printable(value) }]
  })
}

/** Reads a file and everything it includes. Throws `bad_config`. */
export function readConfLines(path: string, cwd: string): ConfLine[] {
  const left = { files: filesMax }
  const read = (file: string, from: string, depth: number): ConfLine[] => {
    left.files--
    if (left.files < 0 || depth > depthMax) {
      throw new AppError(
        'bad_config',
        `${from}: include_dir leads to too many files; does one include itself?`,
      )
    }
    return parseConfLines(readConf(resolve(cwd, file), file), file).flatMap((line) => {
      if (line.keyword !== 'include_dir') return [line]
      const place = `${line.file}:${line.line}`
      const names = listConfFiles(resolve(cwd, line.value), place)
      return [line, ...names.flatMap((name) => read(join(line.value, name), place, depth + 1))]
    })
  }
  return read(path, path, 0)
}

/** Names that end in .conf, capitals first, as Mosquitto sorts them. */
function listConfFiles(directory: string, place: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.conf') && statSync(join(directory, name)).isFile())
      .sort()
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such directory' : String(error)
    throw new AppError('bad_config', `${place}: include_dir ${directory}: ${why}`, { cause: error })
  }
}

function readConf(path: string, shown: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code
    const why =
      errno === 'ENOENT'
        ? 'there is no such file'
        : errno === 'EACCES'
          ? 'this user may not read it; change its owner or its mode'
          : String(error)
    throw new AppError('bad_config', `cannot read the Mosquitto configuration ${shown}: ${why}`, {
      cause: error,
    })
  }
  if (text.length <= fileBytesMax) return text
  throw new AppError('bad_config', `${shown} has more than ${fileBytesMax} characters; is it the right file?`)
}
