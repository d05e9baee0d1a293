// A demo account that comes back while the server listens to everybody: it stays locked out until the next start, when the
// listeners bind to loopback.

import type { Log } from '../ops/log.ts'
import type { Accounts } from './principal.ts'

/** The same authenticator, with accounts that still have their published password refused. */
export function lockDemoAccounts(auth: Accounts, { log }: { log: Log }): Accounts {
  const authenticate: Accounts['authenticate'] = async (user, password) => {
    if (user === undefined || !auth.demoAccounts.includes(user)) return auth.authenticate(user, password)
    log.warn(
      { user },
      'a demo account is refused while the server listens beyond this machine; give it a password of its own',
    )
    return null
  }
  const resume: Accounts['resume'] = (user, key, proof) =>
    auth.demoAccounts.includes(user) ? null : auth.resume(user, key, proof)
  return Object.create(auth, {
    authenticate: { value: authenticate },
    resume: { value: resume },
  }) as Accounts
}
