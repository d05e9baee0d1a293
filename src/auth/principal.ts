// Who is asking, and what they may do: one notion for both faces, MQTT and HTTP.

import type { Verdicts } from './explain.ts'

/** Someone let in. Made by `Authenticator`, asked by the broker and the HTTP routes. */
export interface Principal {
  kind: 'user' | 'anonymous' | 'token'
  /** User or token name; `null` for anonymous, but for one whose name is believed (`auth.trust_user_names`). */
  name: string | null
  /** May manage the server: clients, rules, deletion, tokens. */
  admin: boolean
  /** Who may subscribe to a topic may read its history. `clientId` fills `%c` of a pattern. */
  mayRead(topic: string, clientId?: string): boolean
  mayWrite(topic: string, clientId?: string): boolean
}

/** Checks credentials against the files in force. Answers are cached under a keyed hash, so that it is cheap. */
export interface Authenticator {
  /**
   * The principal of a user and password, of nobody (`user` undefined: anonymous, when allowed), or `null` when refused.
   * Refusals take the same time whether the user exists or not.
   */
  authenticate(user: string | undefined, password: Uint8Array | undefined): Promise<Principal | null>
  /** The principal of somebody whose name was proven otherwise, by a client certificate; no account is needed. */
  authenticateCertified(user: string): Promise<Principal | null>
  /** Account names whose published demo password still works. While there is one, listeners bind to loopback only. */
  readonly demoAccounts: readonly string[]
  /** One line each about what is weak in the files and the command that mends it. */
  readonly warnings: readonly string[]
  /** Reads the files again. A broken file keeps the old one in force, and throws an `AppError` that says so. */
  reload(): Promise<void>
  /** Called after a reload that changed something: sessions whose credentials no longer hold are to be dropped. */
  onChange(listener: () => void): void
  /** Whether a user, or an anonymous client (`null`), who need not be there may publish by the files in force. */
  mayPublish(user: string | null, topic: string, clientId: string): boolean
  /** Whether a principal let in earlier still holds (user exists, same password hash). */
  stillHolds(principal: Principal): boolean
  close(): Promise<void>
}

/** Logins that are kept for later, as a browser's session is. */
export interface KeptLogins {
  /** What lets `resume` find whom it was, with the same key; `null` for who has no password or token here. */
  proofOf(principal: Principal, key: Uint8Array): string | null
  /** Whom the proof was made for, or `null` when the account is gone or its password is another. */
  resume(name: string, key: Uint8Array, proof: string): Principal | null
  stillHolds(principal: Principal): boolean
}

export interface Explanation extends Verdicts {
  /** There is such an account, or anonymous clients are let in. */
  isKnown: boolean
  /** Path and text of a line of the ACL file. */
  lineText(line: number): { file: string; text: string }
}

/** An authenticator over a password file and an ACL file. */
export interface Accounts extends Authenticator, KeptLogins {
  stillHolds(principal: Principal): boolean
  /** What decides about a topic for a user, or for an anonymous client (`null`). */
  explain(user: string | null, topic: string, clientId: string): Explanation
}
