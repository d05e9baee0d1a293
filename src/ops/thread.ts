// Starts a module in a thread of its own: as it was built, or from source with the loader that the tests and the benchmarks run with.

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/** `module`: its address without the ending; `base` is the `import.meta.url` of who starts it. */
export function startThread(module: string, base: string, options: WorkerOptions): Worker {
  if (!base.endsWith('.ts')) return new Worker(new URL(`${module}.js`, base), options)
  const loader = new URL(
    'dist/esm/api/index.mjs',
    pathToFileURL(createRequire(base).resolve('tsx/package.json')),
  ).href
  const source = new URL(`${module}.ts`, base).href
  const code = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(source)}) })`
  return new Worker(code, { ...options, eval: true, execArgv: [] })
}
