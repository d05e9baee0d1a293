// Who gets in: users, tokens for programs, and the question "may this user read this topic, and which line says so".

import { me } from '../session.ts'
import { AclTester } from './aclTester.tsx'
import { TokensCard } from './tokens.tsx'
import { UsersCard } from './users.tsx'

export function AccessPage() {
  const manages = me.value?.manages
  return (
    <section class="page">
      <h1>Access</h1>
      {manages?.users === true ? (
        <UsersCard />
      ) : (
        <p class="card quiet">There is no password file (auth.password_file).</p>
      )}
      {manages?.tokens === true ? <TokensCard /> : null}
      <AclTester />
    </section>
  )
}
