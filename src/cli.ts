// The command line: one program, one file a command under cli/. Exit codes are 0 (ok), 1 (failed) and 2 (wrong usage). What is
// large (server, store, rules, MQTT client) is imported by the command that needs it: a health check runs every few seconds.

import { Command, CommanderError } from 'commander'
import { addBackup } from './cli/backup.ts'
import { addCheckConfig } from './cli/checkConfig.ts'
import { addDemo } from './cli/demo.ts'
import { addHealthcheck } from './cli/healthcheck.ts'
import { describeError, exitCodes, type Io, processIo, ReaderGone, UsageError, write } from './cli/io.ts'
import { addPasswd } from './cli/passwd.ts'
import { addPub } from './cli/pub.ts'
import { addQuery } from './cli/query.ts'
import { addRules } from './cli/rules.ts'
import { addServe, type ServeDeps } from './cli/serve.ts'
import { addStoreTools } from './cli/storeTools.ts'
import { addSub } from './cli/sub.ts'
import { addToken } from './cli/token.ts'
import { addTransfer } from './cli/transfer.ts'
import { version } from './ops/version.ts'

/** What the commands need from the floor of the server. */
export interface CliActions {
  serve: ServeDeps['serve']
}

const overview = `
Examples:
  amber serve                                        run the server
  amber pub -u admin -P 12345678 -t home/t -m 21.5   publish a message
  amber query latest -u admin:12345678               what is stored, newest of each topic
  amber demo -u admin -P 12345678                    play a house full of devices, with a past

Exit codes: 0 ok, 1 failed (the reason is on standard error), 2 wrong usage.
amber COMMAND --help explains a command.`

/** Runs one command line (without the program's own name) and gives its exit code. Never throws. */
export async function run(
  argv: readonly string[],
  actions: CliActions,
  io: Io = processIo(),
): Promise<number> {
  let exitCode: number = exitCodes.ok
  const program = createProgram(actions, io, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has written its own message or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (error instanceof ReaderGone) return exitCodes.ok
    await write(io.stderr, `amber: ${describeError(error)}\n`)
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
  }
}

/** The commands, wired to `actions`. */
export function createProgram(actions: CliActions, io: Io, setExitCode: (code: number) => void): Command {
  const program = new Command('amber')
    .description('An MQTT broker that never forgets: every publish is stored and read back over HTTP.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'explain the command')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', overview)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stdout.columns ?? 100,
      getOutHasColors: () => io.stdout.isTTY === true,
      getErrHasColors: () => io.stderr.isTTY === true,
    })
    .showSuggestionAfterError(true)
    .showHelpAfterError('Add --help to see what is possible.')
  addServe(program, { io, serve: actions.serve, setExitCode })
  addPasswd(program, { io })
  addCheckConfig(program, { io })
  addPub(program, { io })
  addSub(program, { io, setExitCode })
  addQuery(program, { io })
  addRules(program, { io })
  addTransfer(program, { io, setExitCode })
  addBackup(program, { io, setExitCode })
  addStoreTools(program, { io, setExitCode })
  addToken(program, { io })
  addDemo(program, { io })
  addHealthcheck(program, { io })
  return program
}
