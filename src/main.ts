#!/usr/bin/env node
// The process: runs the command line, turns signals into an orderly stop and outcomes into exit codes.
// A second signal exits at once; what was acknowledged is on the disk either way.

import { run } from './cli.ts'
import { serve } from './serve.ts'

process.exitCode = await run(process.argv.slice(2), { serve })
