/** All hooks, to search, and to make a new one. */
import { useState } from 'preact/hooks'
import { send, useData, withQuery } from './api.js'
import { compact } from './format.js'
import { VirtualList } from './list.js'
import { Badge, Dialog, Empty, fieldText, Loading, Notice, Share } from './parts.js'
import { html } from './render.js'
import { go, useQuery } from './routing.js'
import { hrefOfHook } from './rows.js'

const states = [
  '',
  'healthy',
  'failing',
  'open',
  'paused',
  'disabled',
  'hook-disabled',
  'suspended',
]

export function Hooks({ hasActions }) {
  const [query, setQuery] = useQuery()
  const [isMaking, setMaking] = useState(false)
  const { search = '', state = '' } = query
  const path = withQuery('/api/hooks', { includeExecutionStats: 'true', search, state })
  const { data, error } = useData(path)
  return html`<div class="page-head">
      <h1>Hooks</h1>
      ${hasActions && html`<button class="main" onClick=${() => setMaking(true)}>New hook</button>`}
    </div>
    <div class="filters">
      <input
        type="search"
        aria-label="Search hooks"
        placeholder="Search name, id, tenant, event, URL  ( / )"
        value=${search}
        onInput=${(event) => setQuery({ search: event.currentTarget.value })}
      />
      <select
        aria-label="State"
        value=${state}
        onChange=${(event) => setQuery({ state: event.currentTarget.value })}
      >
        ${states.map((name) => html`<option key=${name} value=${name}>${name === '' ? 'Any state' : name}</option>`)}
      </select>
    </div>
    <${Notice} error=${error} />
    ${data === undefined && error === undefined && html`<${Loading} />`}
    ${data?.length === 0 && html`<${Empty}>${search === '' && state === '' ? 'There are no hooks.' : 'No hook is like that.'}<//>`}
    ${
      data?.length > 0 &&
      html`<p class="quiet count">
          ${compact(data.length)} ${data.length === 1 ? 'hook' : 'hooks'}
        </p>
        <div class="list-head hook" aria-hidden="true">
          <span>Name</span><span>State</span><span>Events</span><span>Tenant</span
          ><span>Endpoint</span> <span class="end">Success, 24 h</span
          ><span class="end">Requests</span>
        </div>
        <${VirtualList}
          label="Hooks"
          items=${data}
          keyOf=${({ id }) => id}
          hrefOf=${({ id }) => hrefOfHook(id)}
          row=${(hook) => html`<${HookRow} hook=${hook} />`}
        />`
    }
    ${isMaking && html`<${NewHook} onClose=${() => setMaking(false)} />`}`
}

export function stateOf({ state, enabled, endpoint }) {
  if (state === 'suspended') return 'suspended'
  return enabled ? endpoint.state : 'hook-disabled'
}

function HookRow({ hook }) {
  const { id, name, events, event, tenantId, config, executionStats } = hook
  const keys = events.length > 0 ? events : [event].filter((key) => key !== null)
  return html`<span class="cells hook">
    <span class="strong">${name === '' ? id : name}</span>
    <span><${Badge} value=${stateOf(hook)} /></span>
    <span class="quiet">${keys.length > 2 ? `${keys.length} events` : keys.join(', ')}</span>
    <span class="code quiet">${tenantId ?? ''}</span>
    <span class="code quiet">${typeof config.url === 'string' ? config.url : ''}</span>
    <span class="end"
      ><${Share} delivered=${executionStats.successCount} calls=${executionStats.requestCount}
    /></span>
    <span class="end">${compact(executionStats.requestCount)}</span>
  </span>`
}

function NewHook({ onClose }) {
  const [state, setState] = useState(
    /** @type {{ isBusy: boolean, error?: Error, made?: { id: string, signingKey: string } }} */ ({
      isBusy: false,
    }),
  )
  const submit = async (event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const textOf = (name) => fieldText(form, name)
    const events = textOf('events')
      .split(/[\s,]+/)
      .filter((key) => key !== '')
    const tenantId = textOf('tenantId')
    const hook = { name: textOf('name'), events, config: { url: textOf('url') } }
    setState({ isBusy: true, error: undefined, made: undefined })
    try {
      const made = await send('POST', '/api/hooks', tenantId === '' ? hook : { ...hook, tenantId })
      setState({ isBusy: false, error: undefined, made })
    } catch (error) {
      setState({ isBusy: false, error, made: undefined })
    }
  }
  if (state.made !== undefined) {
    const { id, signingKey } = state.made
    return html`<${Dialog} title="The hook is there" onClose=${onClose}>
      <p>Its signing key is shown this once:</p>
      <pre class="secret">${signingKey}</pre>
      <footer>
        <button class="main" onClick=${() => go(hrefOfHook(id))}>Open the hook</button>
      </footer>
    <//>`
  }
  return html`<${Dialog} title="New hook" onClose=${onClose}>
    <form onSubmit=${submit}>
      <label>Name <input name="name" maxlength="256" autofocus /></label>
      <label>Endpoint URL <input name="url" type="url" required placeholder="https://…" /></label>
      <label
        >Events, apart by spaces
        <input name="events" required placeholder="PostSignIn User.Created"
      /></label>
      <label>Tenant <input name="tenantId" placeholder="default" /></label>
      <${Notice} error=${state.error} />
      <footer>
        <button type="button" class="plain" onClick=${onClose}>Cancel</button>
        <button class="main" disabled=${state.isBusy}>
          ${state.isBusy ? 'Working …' : 'Create'}
        </button>
      </footer>
    </form>
  <//>`
}
