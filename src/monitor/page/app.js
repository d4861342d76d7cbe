/** The page: which part of it is shown, how it is moved about in, and how far the monitor has read. */
import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { followChanges, useData, useToken, whenUnauthorized } from './api.js'
import { DeadLetters } from './dead-letters.js'
import { Deliveries } from './deliveries.js'
import { Delivery } from './delivery.js'
import { Event, Events } from './events.js'
import { compact, away, number } from './format.js'
import { Hook } from './hook.js'
import { Hooks } from './hooks.js'
import { moveRow } from './list.js'
import { Overview } from './overview.js'
import { Dialog, fieldText } from './parts.js'
import { html } from './render.js'
import { go, useLocation } from './routing.js'

const sections = [
  { key: 'o', href: '/', name: 'Overview' },
  { key: 'h', href: '/hooks', name: 'Hooks' },
  { key: 'd', href: '/deliveries', name: 'Deliveries' },
  { key: 'e', href: '/events', name: 'Events' },
  { key: 'l', href: '/dead-letters', name: 'Dead letters' },
]

const keys = [
  ['/', 'search'],
  ['j  k', 'next and previous row; arrows too'],
  ['Enter', 'open the row'],
  ['g then o h d e l', 'overview, hooks, deliveries, events, dead letters'],
  ['Esc', 'close, leave a field'],
  ['?', 'these keys'],
]

function Shown({ path, hasActions }) {
  const [, section = '', ...rest] = path.split('/').map(decoded)
  const [first, second] = rest
  if (section === 'hooks' && first !== undefined)
    return html`<${Hook} key=${first} id=${first} hasActions=${hasActions} />`
  if (section === 'hooks') return html`<${Hooks} hasActions=${hasActions} />`
  if (section === 'deliveries' && first !== undefined)
    return html`<${Delivery} key=${first} id=${first} hasActions=${hasActions} />`
  if (section === 'deliveries') return html`<${Deliveries} />`
  if (section === 'events' && second !== undefined)
    return html`<${Event} key=${path} tenantId=${first} eventId=${second} />`
  if (section === 'events') return html`<${Events} />`
  if (section === 'dead-letters') return html`<${DeadLetters} hasActions=${hasActions} />`
  if (section === '') return html`<${Overview} />`
  return html`<h1>There is no such page</h1>
    <p><a href="/">Overview</a></p>`
}

function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function App() {
  const { path } = useLocation()
  const [connection, setConnection] = useState('connecting')
  const [needsToken, setNeedsToken] = useState(false)
  const [isHelp, setHelp] = useState(false)
  const { data: status, reload } = useData('/api/status')
  useEffect(() => {
    whenUnauthorized(() => setNeedsToken(true))
    void followChanges(setConnection)
    return listenForKeys(() => setHelp(true))
  }, [])
  const isAt = (href) => (href === '/' ? path === '/' : path.startsWith(href))
  const here = sections.find(({ href }) => isAt(href))
  useEffect(() => {
    document.title = `${here?.name ?? 'hooktide'} · hooktide`
  }, [here])
  const given = (token) => {
    useToken(token)
    setNeedsToken(false)
    void reload()
  }
  return html`<header class="top">
      <a class="brand" href="/">hooktide</a>
      <nav aria-label="Sections">
        ${sections.map(
          ({ href, name }) =>
            html`<a key=${href} href=${href} aria-current=${isAt(href) ? 'page' : undefined}
              >${name}</a
            >`,
        )}
      </nav>
      <${Reading} status=${status} connection=${connection} />
      <button class="plain" aria-label="Keys" title="Keys ( ? )" onClick=${() => setHelp(true)}>
        ?
      </button>
    </header>
    <main key=${needsToken}>
      ${status !== undefined && html`<${Troubles} readings=${status.readings} />`}
      ${needsToken ? html`<${TokenForm} onToken=${given} />` : html`<${Shown} path=${path} hasActions=${status?.hasActions === true} />`}
    </main>
    ${
      isHelp &&
      html`<${Dialog} title="Keys" onClose=${() => setHelp(false)}>
        <dl class="keys">
          ${keys.map(
            ([key, what]) =>
              html`<div key=${key}>
                <dt><kbd>${key}</kbd></dt>
                <dd>${what}</dd>
              </div>`,
          )}
        </dl>
      <//>`
    }`
}

/** What is not read, and why: in what follows it is missing, or out of date. */
function Troubles({ readings }) {
  const troubled = readings.filter(({ trouble }) => trouble !== null)
  const troubles = [...Map.groupBy(troubled, ({ trouble }) => trouble)].map(([trouble, of]) => [
    trouble,
    of.map(({ topic }) => topic),
  ])
  return html`<div role="alert">
    ${troubles.map(
      ([trouble, topics]) =>
        html`<p key=${trouble} class="notice bad">
          ${topics.length > 1 && topics.length === readings.length ? 'Nothing new is read' : `${topics.join(' and ')} ${topics.length > 1 ? 'are' : 'is'} not read`}:
          ${trouble}
        </p>`,
    )}
  </div>`
}

/** How far the index is, so that nobody takes what is missing for what did not happen. */
function Reading({ status, connection }) {
  if (connection === 'away')
    return html`<span class="reading bad" role="status">not connected</span>`
  if (status === undefined) return html`<span class="reading"></span>`
  const troubled = status.readings.filter((one) => one.trouble !== null)
  const behind = status.readings.reduce((sum, one) => sum + (one.behind ?? 0), 0)
  const title = status.readings
    .map(
      (one) =>
        `${one.topic}: ${one.trouble ?? (one.behind === null ? 'not known' : `${number(one.behind)} behind`)}`,
    )
    .join('\n')
  const newest =
    status.newestAt === null ? 'nothing yet' : `newest ${away(status.newestAt, status.now)}`
  if (troubled.length > 0)
    return html`<span class="reading bad" role="status" title=${title}
      >not reading ${troubled.length === 1 ? troubled[0].topic : `${troubled.length} topics`}</span
    >`
  if (status.readings.some((one) => one.behind === null))
    return html`<span class="reading warn" role="status" title=${title}>reading</span>`
  if (behind > 1_000)
    return html`<span class="reading warn" role="status" title=${title}
      >reading, ${compact(behind)} to go</span
    >`
  return html`<span class="reading" role="status" title=${title}
    ><i class="dot"></i>${compact(status.results)} results,
    ${status.unreadable > 0 && `${compact(status.unreadable)} unreadable,`} ${newest}</span
  >`
}

function TokenForm({ onToken }) {
  const submit = (event) => {
    event.preventDefault()
    onToken(fieldText(new FormData(event.currentTarget), 'token'))
  }
  return html`<form class="card token" onSubmit=${submit}>
    <h1>Token</h1>
    <p class="quiet">This monitor asks for the token that it was started with.</p>
    <label
      >Token <input name="token" type="password" autocomplete="current-password" required autofocus
    /></label>
    <button class="main">Go on</button>
  </form>`
}

function listenForKeys(onHelp) {
  let isGoing = false
  const pressed = (event) => {
    const field = event.target instanceof Element && event.target.closest('input, select, textarea')
    if (event.key === 'Escape' && field instanceof HTMLElement) return field.blur()
    if (field || event.metaKey || event.ctrlKey || event.altKey || document.querySelector('dialog'))
      return
    if (isGoing) {
      isGoing = false
      const section = sections.find(({ key }) => key === event.key)
      if (section !== undefined) return go(section.href)
    }
    const isHandled = handle(event.key)
    if (isHandled) event.preventDefault()
  }
  const handle = (key) => {
    if (key === 'g') return (isGoing = true)
    if (key === 'j' || key === 'ArrowDown') return moveRow(1)
    if (key === 'k' || key === 'ArrowUp') return moveRow(-1)
    if (key === '?') {
      onHelp()
      return true
    }
    const search = document.querySelector('input[type=search], .filters input, .filters select')
    if (key !== '/' || !(search instanceof HTMLElement)) return false
    search.focus()
    return true
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}

const root = document.getElementById('app')
if (root !== null) render(html`<${App} />`, root)
