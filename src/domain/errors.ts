// Every error a caller can act on, in one table: code → HTTP status, MQTT 5 reason code, title.
// A test proves that each code is explained in docs/errors.md.

interface ErrorKind {
  status: number
  /** MQTT 5 reason code of the PUBACK, PUBREC, SUBACK, CONNACK or DISCONNECT that carries it. */
  reasonCode: number
  title: string
}

export const errorKinds = {
  bad_request: { status: 400, reasonCode: 0x83, title: 'The request is not valid' },
  unknown_parameter: { status: 400, reasonCode: 0x83, title: 'Unknown parameter' },
  bad_cursor: { status: 400, reasonCode: 0x83, title: 'The cursor is not valid' },
  bad_time: { status: 400, reasonCode: 0x83, title: 'The time is not valid' },
  bad_topic: { status: 400, reasonCode: 0x90, title: 'The topic name is not valid' },
  bad_filter: { status: 400, reasonCode: 0x8f, title: 'The topic filter is not valid' },
  unauthorized: { status: 401, reasonCode: 0x86, title: 'Who are you?' },
  forbidden: { status: 403, reasonCode: 0x87, title: 'Not allowed' },
  not_found: { status: 404, reasonCode: 0x83, title: 'Nothing by that name' },
  method_not_allowed: { status: 405, reasonCode: 0x83, title: 'Method not allowed' },
  not_acceptable: { status: 406, reasonCode: 0x83, title: 'No such format' },
  precondition_failed: { status: 412, reasonCode: 0x83, title: 'Changed in the meantime' },
  conflict: { status: 409, reasonCode: 0x83, title: 'In the way of something else' },
  payload_too_large: { status: 413, reasonCode: 0x95, title: 'Too large' },
  unsupported_media_type: { status: 415, reasonCode: 0x99, title: 'Unsupported content type' },
  query_limit: { status: 422, reasonCode: 0x83, title: 'The query asks for too much' },
  rate_limited: { status: 429, reasonCode: 0x96, title: 'Too many requests' },
  internal: { status: 500, reasonCode: 0x80, title: 'A fault in the server' },
  store_unavailable: { status: 503, reasonCode: 0x83, title: 'The store cannot take writes' },
  store_full: { status: 503, reasonCode: 0x97, title: 'The disk is full' },
  store_overloaded: { status: 503, reasonCode: 0x97, title: 'The store is behind' },
  store_corrupt: { status: 500, reasonCode: 0x80, title: 'Stored data is damaged' },
  store_locked: { status: 503, reasonCode: 0x88, title: 'The data directory is in use' },
  store_foreign: { status: 503, reasonCode: 0x88, title: 'Not a data directory of Amber' },
  shutting_down: { status: 503, reasonCode: 0x8b, title: 'The server is shutting down' },
  bad_config: { status: 500, reasonCode: 0x80, title: 'The configuration is not valid' },
  bad_password_file: { status: 500, reasonCode: 0x80, title: 'The password file is not valid' },
  bad_acl_file: { status: 500, reasonCode: 0x80, title: 'The ACL file is not valid' },
  bad_token_file: { status: 500, reasonCode: 0x80, title: 'The token file is not valid' },
  bad_rules: { status: 422, reasonCode: 0x83, title: 'The rules are not valid' },
  port_in_use: { status: 500, reasonCode: 0x80, title: 'The port is in use' },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorKinds

/** One thing wrong, and where: `path` is a JSON pointer, a parameter name or `file:line`. */
export interface Problem {
  path: string
  message: string
}

/** An error that says what is wrong, where, and what to do. Its message is safe to show to the caller. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly problems: readonly Problem[]

  constructor(
    code: ErrorCode,
    message: string,
    options?: { cause?: unknown; problems?: readonly Problem[] },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.problems = options?.problems ?? []
  }

  get status(): number {
    return errorKinds[this.code].status
  }

  get reasonCode(): number {
    return errorKinds[this.code].reasonCode
  }
}

/** Reads one parameter; what is wrong with it is told with its name, in words and as the path of the problem. */
export function inParameter<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof AppError) || error.problems.length > 0) throw error
    const { code, message } = error
    throw new AppError(code, `${path}: ${message}`, { cause: error, problems: [{ path, message }] })
  }
}

/** Wraps anything thrown, so that a caller always has a code. */
export function asAppError(error: unknown, code: ErrorCode = 'internal'): AppError {
  if (error instanceof AppError) return error
  return new AppError(code, error instanceof Error ? error.message : String(error), { cause: error })
}
