// One line per event, for people on a terminal and as JSON for programs. Nothing secret is ever passed in.

import { Writable } from 'node:stream'
import pino from 'pino'

export type Log = pino.Logger

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  format: 'auto' | 'text' | 'json'
}

/** Writes to standard error, so that standard output stays free for results. */
export function createLog({ level, format }: LogOptions, out: NodeJS.WriteStream = process.stderr): Log {
  const asText = format === 'text' || (format === 'auto' && out.isTTY)
  const options: pino.LoggerOptions = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  return asText ? pino(options, textStream(out)) : pino(options, out)
}

const names: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'ERROR', 60: 'FATAL' }

function textStream(out: Writable): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      out.write(asLine(String(chunk)), () => done())
    },
  })
}

function asLine(json: string): string {
  const { level, time, msg, ...rest } = JSON.parse(json) as Record<string, unknown>
  const details = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${detail(value)}`)
    .join('')
  return `${String(time).slice(11, 19)} ${names[Number(level)] ?? String(level)} ${String(msg)}${details}\n`
}

function detail(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return JSON.stringify(value.message)
  return typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value)
}
