// `amber serve`: works out the configuration and hands it to the server.

import type { Command } from 'commander'
import type { ResolvedConfig } from '../config/load.ts'
import { addConfigFlags, configOf } from './configFlags.ts'
import type { Io } from './io.ts'

export interface ServeDeps {
  io: Io
  /** Runs the server until it has stopped, and gives the exit code. `reread` is the configuration as it is then. */
  serve: (resolved: ResolvedConfig, reread: () => ResolvedConfig) => Promise<number>
  setExitCode: (code: number) => void
}

const examples = `
Every flag is also an environment variable (--http.port is AMBER_HTTP__PORT; AMBER_HTTP__PORT_FILE names a file
that holds the value) and a key of the YAML file. Flags win over variables, variables over the file.

Examples:
  amber serve
  amber serve --mqtt.port 1884 --http.port 8081 --store.path /var/lib/amber
  AMBER_LOG__LEVEL=debug amber serve --config /etc/amber.yaml
  amber serve --mosquitto-conf /etc/mosquitto/mosquitto.conf`

export function addServe(program: Command, { io, serve, setExitCode }: ServeDeps): void {
  const command = program
    .command('serve')
    .summary('run the server')
    .description('Run the server: MQTT broker, store and HTTP API. Ctrl+C stops it in order.')
    .addHelpText('after', examples)
    .action(async (options: Record<string, unknown>) => {
      const read = (): ResolvedConfig => configOf(io, options)
      setExitCode(await serve(read(), read))
    })
  addConfigFlags(command)
}
