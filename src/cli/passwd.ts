// `amber passwd`: mosquitto_passwd by another name, with the same flags and the same file.

import { type Command, Option } from 'commander'
import {
  checkName,
  checkPassword,
  deletePassword,
  hashPlainPasswords,
  readPasswordFile,
  setPassword,
  writePasswordFile,
} from '../auth/edit.ts'
import { createPasswordHash, type HashMethod, hashMethods } from '../auth/hash.ts'
import { parsePasswordFile } from '../auth/passwordFile.ts'
import { AppError } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'
import { type Io, UsageError, write } from './io.ts'
import { askNewPassword } from './prompt.ts'

interface PasswdOptions {
  b?: true
  c?: true
  D?: true
  U?: true
  H: HashMethod
}

const examples = `
Examples:
  amber passwd -c passwd alice          make the file with one account; asks for the password
  amber passwd passwd bob               add bob, or give bob another password
  amber passwd -b passwd bob S3cret     the same without asking (others on this machine can see it)
  amber passwd -D passwd bob            delete bob
  amber passwd -U passwd                hash the passwords that stand there in plain text

A running server reads the file again by itself. From a pipe the password is the first line of input.
The files are those of mosquitto_passwd; a Mosquitto before 2.1 needs -H sha512-pbkdf2.`

export function addPasswd(program: Command, { io }: { io: Io }): void {
  program
    .command('passwd')
    .summary('add, change or delete the accounts in a password file')
    .description(
      'Add, change or delete the accounts in a password file. The flags are those of mosquitto_passwd.',
    )
    .argument('<file>', 'the password file')
    .argument('[user]', 'name of the account')
    .argument('[password]', 'only with -b')
    .option('-b', 'take the password from the command line')
    .option('-c', 'make a new file; an old one is overwritten')
    .option('-D', 'delete the account')
    .option('-U', 'hash every plain text password in the file')
    .addOption(
      new Option('-H <hash>', 'how to hash')
        .choices([...hashMethods])
        .default('argon2id' satisfies HashMethod),
    )
    .addHelpText('after', examples)
    .action((file: string, user: string | undefined, password: string | undefined, options: PasswdOptions) =>
      passwd(io, file, user, password, options),
    )
}

async function passwd(
  io: Io,
  file: string,
  user: string | undefined,
  password: string | undefined,
  options: PasswdOptions,
): Promise<void> {
  checkUsage(user, password, options)
  if (options.U) return hashAll(io, file, options.H)
  const name = user ?? ''
  checkName(name)
  const text = options.c ? '' : await readPasswordFile(file)
  parsePasswordFile(text, file)
  if (options.D) {
    const rest = deletePassword(text, file, name)
    if (rest === null) throw new AppError('not_found', `there is no user ${printable(name)} in ${file}`)
    return writePasswordFile(file, rest)
  }
  const secret = password ?? (await askNewPassword(io))
  checkPassword(secret)
  await writePasswordFile(
    file,
    setPassword(text, file, name, await createPasswordHash(Buffer.from(secret), options.H)),
  )
}

async function hashAll(io: Io, file: string, method: HashMethod): Promise<void> {
  const old = await readPasswordFile(file)
  parsePasswordFile(old, file)
  const { text, hashed } = await hashPlainPasswords(old, file, method)
  if (hashed > 0) await writePasswordFile(file, text)
  await write(
    io.stdout,
    hashed === 0 ? 'every password is hashed already\n' : `passwords hashed: ${hashed}\n`,
  )
}

function checkUsage(user: string | undefined, password: string | undefined, options: PasswdOptions): void {
  const { b, c, D, U } = options
  if (U) {
    if (b || c || D) throw new UsageError('-U cannot be combined with -b, -c or -D')
    if (user !== undefined) throw new UsageError('-U takes the file alone: amber passwd -U FILE')
    return
  }
  if (c && D) throw new UsageError('-c and -D cannot be combined')
  if (b && D) throw new UsageError('-b and -D cannot be combined')
  if (user === undefined) throw new UsageError('the name of the account is missing: amber passwd FILE USER')
  if (b && password === undefined) {
    throw new UsageError('-b needs the password on the command line: amber passwd -b FILE USER PASSWORD')
  }
  if (!b && password !== undefined) {
    throw new UsageError('a password on the command line needs -b: amber passwd -b FILE USER PASSWORD')
  }
}
