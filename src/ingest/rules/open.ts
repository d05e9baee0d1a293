// The rules in force: read from their file, read again when it changes, replaced over the API. Rules that are not valid never come
// into force: the old ones stay, and the log or the caller hears why.

import { readFile, rename, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { watchFiles } from '../../auth/watch.ts'
import { AppError, asAppError } from '../../domain/errors.ts'
import type { Log } from '../../ops/log.ts'
import type { Clean } from '../clean/clean.ts'
import { createRuleFiles, noRuleFiles } from './ruleFiles.ts'
import { createRuleSet, type RuleSet } from './ruleSet.ts'
import { createTrial } from './trial.ts'

export interface Rules {
  readonly current: RuleSet
  /** Whether they can be replaced here. */
  readonly hasFile: boolean
  /** Applies the rules in force. */
  clean: Clean
  /** What a draft would be in force. Throws `bad_rules`. */
  compile(text: string): RuleSet
  /** What `set` makes of readings, in their order, without touching what the rules in force remember. */
  trial(set: RuleSet): Clean
  /** Writes the file and puts it in force. Throws `bad_rules`, or `conflict` when no file is configured. */
  replace(text: string): Promise<RuleSet>
  close(): void
}

export interface RulesConfig {
  file: string
  profiles: readonly string[]
}

/** Throws `bad_rules` when the file is not valid or cannot be read. */
export async function openRules({ file, profiles }: RulesConfig, { log }: { log: Log }): Promise<Rules> {
  const name = file === '' ? 'rules' : basename(file)
  const files = file === '' ? noRuleFiles : createRuleFiles(dirname(file))
  const compile = (text: string): RuleSet => createRuleSet(text, { name, files, profiles })
  let current = compile(file === '' ? '' : await readRules(file))
  const trial = (set: () => RuleSet): Clean =>
    createTrial(set, (err, { topic }) =>
      log.error({ err, topic }, 'a cleaning rule failed; the reading is kept raw'),
    )
  const reload = async (): Promise<void> => {
    try {
      const text = await readRules(file)
      if (text === current.text) return
      current = compile(text)
      log.info({ version: current.version, rules: current.rules.length }, 'new cleaning rules are in force')
    } catch (error) {
      log.error(`the cleaning rules stay as they were: ${asAppError(error).message}`)
    }
  }
  const watcher = file === '' ? null : watchFiles([file], { log, onChange: () => void reload() })
  return {
    get current() {
      return current
    },
    hasFile: file !== '',
    clean: trial(() => current),
    compile,
    trial: (set) => trial(() => set),
    async replace(text) {
      if (file === '') {
        throw new AppError('conflict', 'there is no rules file; name one with rules.file and start again')
      }
      const next = compile(text)
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
      current = next
      return next
    },
    close: () => watcher?.close(),
  }
}

async function readRules(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AppError('bad_rules', `cannot read the rules file: ${why} (rules.file)`, { cause: error })
  }
}
