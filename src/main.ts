#!/usr/bin/env node
// The process: runs the command line, turns signals into an orderly stop and outcomes into exit codes.
// A second signal exits at once; what was acknowledged is on the disk either way.

import { run } from './cli.ts'
import type { CliActions } from './cli.ts'

/** Read when it is asked for: the server is most of the program, and a health check is run every few seconds. */
const serve: CliActions['serve'] = async (...args) => (await import('./serve.ts')).serve(...args)

process.exitCode = await run(process.argv.slice(2), { serve })
