// Peers from Debian packages, unpacked into a directory of the benchmark: nothing is installed and no service is started.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The path of `program`, unpacked from the package; `null`, and said loudly, when it cannot be had. */
export function unpack(home: string, name: string, program: string): string | null {
  const directory = join(home, 'packages', name)
  mkdirSync(directory, { recursive: true })
  try {
    execFileSync('apt-get', ['download', name], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
    const file = readdirSync(directory).find((each) => each.endsWith('.deb')) ?? 'no package'
    execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    absent(name, error instanceof Error ? error.message : String(error))
    return null
  }
  return join(directory, program)
}

/** A program of the system; `null`, and said loudly, when it is not there. */
export function installed(name: string, program: string): string | null {
  if (existsSync(program)) return program
  absent(name, `${program} is missing: apt-get install ${name}`)
  return null
}

function absent(name: string, why: string): void {
  console.error(`\n*** ${name.toUpperCase()} IS NOT AVAILABLE AND NOT COMPARED WITH ***\n${why}\n`)
}
