// The frame around every page: who is asking decides what is offered, the address what is shown.

import type { ComponentType } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { isReachable } from './api.ts'
import { Toasts } from './parts/toast.tsx'
import { AccessPage } from './pages/access.tsx'
import { ClientsPage } from './pages/clients.tsx'
import { DataPage } from './pages/data.tsx'
import { LoginPage } from './pages/login.tsx'
import { RulesPage } from './pages/rules.tsx'
import { ChartPage } from './pages/chart/page.tsx'
import { OverviewPage } from './pages/overview/page.tsx'
import { TopicsPage } from './pages/topics/page.tsx'
import { Icon, type IconName } from './parts/icon.tsx'
import { linkTo, route } from './route.ts'
import { logOut, me, type Me, wantsLogin } from './session.ts'
import { theme, type Theme } from './theme.ts'

interface Entry {
  name: string
  title: string
  icon: IconName
  page: ComponentType
  /** Whether it is offered. */
  isFor: (me: Me) => boolean
}

const everybody = (): boolean => true
const keepers = ({ admin }: Me): boolean => admin

const entries: readonly Entry[] = [
  { name: 'overview', title: 'Overview', icon: 'pulse', page: OverviewPage, isFor: everybody },
  { name: 'topics', title: 'Topics', icon: 'tree', page: TopicsPage, isFor: everybody },
  { name: 'chart', title: 'Chart', icon: 'chart', page: ChartPage, isFor: everybody },
  { name: 'clients', title: 'Clients', icon: 'plug', page: ClientsPage, isFor: keepers },
  { name: 'rules', title: 'Rules', icon: 'filter', page: RulesPage, isFor: keepers },
  { name: 'data', title: 'Data', icon: 'disk', page: DataPage, isFor: everybody },
  { name: 'access', title: 'Access', icon: 'key', page: AccessPage, isFor: keepers },
]

export function App() {
  const who = me.value
  if (who === undefined) return <Waiting />
  return (
    <>
      {who === null || (who.kind === 'anonymous' && wantsLogin.value) ? <LoginPage /> : <Frame who={who} />}
      <Toasts />
    </>
  )
}

function Waiting() {
  return (
    <p class="waiting" role="status">
      {isReachable.value ? 'Loading…' : 'The server does not answer. Trying again…'}
    </p>
  )
}

function Frame({ who }: { who: Me }) {
  const offered = entries.filter(({ isFor }) => isFor(who))
  const shown = offered.find(({ name }) => name === route.value.name)
  const main = useRef<HTMLElement>(null)
  const title = shown?.title ?? 'Nothing here'
  const isFirst = useRef(true)
  const nav = useRef<HTMLElement>(null)
  useEffect(() => {
    // On a phone the pages stand in a row that is wider than the screen.
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
    document.title = `${title} · Amber`
    // A screen reader goes on with the new page; the first one it reads from the top.
    if (isFirst.current) isFirst.current = false
    else main.current?.focus()
  }, [title])
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the page
      </a>
      <header class="side">
        <a class="brand" href={linkTo('overview')}>
          <Icon name="drop" /> Amber
        </a>
        <nav aria-label="Pages" ref={nav}>
          {offered.map(({ name, title: text, icon }) => (
            <a key={name} href={linkTo(name)} aria-current={shown?.name === name ? 'page' : undefined}>
              <Icon name={icon} /> {text}
            </a>
          ))}
        </nav>
        <Account who={who} />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {isReachable.value ? null : (
          <p class="notice bad" role="alert">
            The server does not answer. Trying again…
          </p>
        )}
        {who.demo_password ? (
          <p class="notice warn">
            Everybody knows the password of <strong>{who.name}</strong>, so the server listens on this machine
            only. Give it another one on the <a href={linkTo('access')}>access page</a> and start the server
            again.
          </p>
        ) : null}
        {shown ? <shown.page /> : <NotFound />}
      </main>
    </div>
  )
}

function NotFound() {
  return (
    <section class="page">
      <h1>Nothing here</h1>
      <p>
        There is no such page, or it is not for you. <a href={linkTo('overview')}>To the overview</a>
      </p>
    </section>
  )
}

const themes: Record<Theme, { next: Theme; icon: IconName; text: string }> = {
  system: { next: 'light', icon: 'auto', text: 'Colours as the system' },
  light: { next: 'dark', icon: 'sun', text: 'Light colours' },
  dark: { next: 'system', icon: 'moon', text: 'Dark colours' },
}

function Account({ who }: { who: Me }) {
  const { next, icon, text } = themes[theme.value]
  return (
    <div class="account">
      <span class="who" title={who.admin ? 'manages the server' : undefined}>
        {who.name ?? 'anonymous'}
      </span>
      <button
        type="button"
        class="icon"
        aria-label={`${text}; change`}
        title={text}
        onClick={() => {
          theme.value = next
        }}
      >
        <Icon name={icon} />
      </button>
      {who.kind === 'anonymous' ? (
        <button type="button" class="log-in" onClick={() => (wantsLogin.value = true)}>
          Log in
        </button>
      ) : null}
      {who.session_ends === null ? null : (
        <button type="button" class="icon" aria-label="Log out" title="Log out" onClick={() => void logOut()}>
          <Icon name="leave" />
        </button>
      )}
    </div>
  )
}
