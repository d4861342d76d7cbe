/** One hook: how it does, what was sent lately, and what can be done. */
import { useState } from 'preact/hooks'
import { useData } from './api.js'
import { LatencyChart, TrafficChart } from './chart.js'
import { compact, duration, share, shareLevel } from './format.js'
import { DeliveryList } from './delivery-list.js'
import { Ask, Badge, Dialog, Due, Facts, Loading, Notice, Tabs, Tile, Time } from './parts.js'
import { html } from './render.js'
import { go } from './routing.js'
import { Failures } from './overview.js'
import { stateOf } from './hooks.js'

export function Hook({ id, hasActions }) {
  const path = `/api/hooks/${encodeURIComponent(id)}`
  const hook = useData(`${path}?includeExecutionStats=true`)
  const traffic = useData(`${path}/traffic`)
  if (hook.data === undefined) {
    return html`<div class="page-head"><h1 class="code">${id}</h1></div>
      <${Notice} error=${hook.error} />${hook.error === undefined && html`<${Loading} />`}
      ${hook.error !== undefined && html`<${Deliveries} id=${id} />`}`
  }
  const { data } = hook
  return html`<div class="page-head">
      <div>
        <h1>${data.name === '' ? id : data.name}</h1>
        <p class="quiet"><a href="/hooks">Hooks</a> / <span class="code">${id}</span></p>
      </div>
      <${Badge} value=${stateOf(data)} />
    </div>
    <${Problems} hook=${data} />
    ${hasActions && html`<${Actions} hook=${data} path=${path} onDone=${hook.reload} />`}
    <${About} hook=${data} />
    <${Numbers} hook=${data} traffic=${traffic.data} />
    <${Deliveries} id=${id} />`
}

function Problems({ hook }) {
  const { endpoint } = hook
  return html`${hook.problems.map(
    ({ field, message }) =>
      html`<p key=${field} class="notice bad">
        Suspended: ${field} ${message}. Nothing is sent until its record is mended.
      </p>`,
  )}
  ${hook.isCaptured && html`<p class="notice">Captured from a database: it is changed there.</p>`}
  ${
    endpoint.state !== 'healthy' &&
    html`<p
      class=${`notice ${endpoint.state === 'failing' || endpoint.state === 'paused' ? 'warn' : 'bad'}`}
    >
      The endpoint is ${endpoint.state}: ${endpoint.reason}, since <${Time} at=${endpoint.since} />.
      ${endpoint.until !== null && html` Next attempt <${Due} at=${endpoint.until} />.`}
      ${endpoint.failures > 0 && ` ${endpoint.failures} attempts failed.`}
    </p>`
  }`
}

function Actions({ hook, path, onDone }) {
  const [answer, setAnswer] = useState(
    /** @type {{ title: string, text: string, isSecret?: boolean } | undefined} */ (undefined),
  )
  const isDisabled = hook.endpoint.state !== 'healthy'
  const events = hook.events.length > 0 ? hook.events : [hook.event].filter((key) => key !== null)
  return html`<div class="actions">
    <${Ask}
      label="Test"
      confirm="Send test"
      question=${`Logto's test payload of ${events[0] ?? 'an event'} goes to the endpoint, by way of the running processors.`}
      request=${['POST', `${path}/test`, events.length > 0 ? { events: [events[0]] } : {}]}
      onDone=${() => setAnswer({ title: 'Test', text: 'The endpoint took it.' })}
    />
    <${Ask}
      label="Rotate key"
      question="The hook gets a new signing key. The old one goes on signing webhook-signature for 24 hours; Logto's own signature changes at once."
      request=${['PATCH', `${path}/signing-key`]}
      onDone=${({ signingKey }) => {
        setAnswer({ title: 'New signing key, shown this once', text: signingKey, isSecret: true })
        onDone()
      }}
    />
    <${Ask}
      label=${hook.enabled ? 'Disable hook' : 'Enable hook'}
      question=${hook.enabled ? 'Nothing is sent to it until it is enabled. Waiting deliveries are discarded when they are due.' : 'It gets events from now on.'}
      request=${['PATCH', path, { enabled: !hook.enabled }]}
      onDone=${onDone}
    />
    ${
      isDisabled &&
      html`<${Ask}
        label="Enable endpoint"
        question="The endpoint gets a new beginning: all processes call it again."
        request=${['POST', `${path}/endpoint`, { state: 'enabled' }]}
        onDone=${onDone}
      />`
    }
    ${
      hook.endpoint.state !== 'disabled' &&
      html`<${Ask}
        label="Disable endpoint"
        question="Nothing is sent until it is enabled. Deliveries become dead letters, which can be sent again."
        request=${['POST', `${path}/endpoint`, { state: 'disabled' }]}
        onDone=${onDone}
      />`
    }
    <${Ask}
      label="Delete"
      danger=${true}
      question="The hook is deleted. Its waiting retries end as discarded."
      request=${['DELETE', path]}
      onDone=${() => go('/hooks')}
    />
    ${
      answer !== undefined &&
      html`<${Dialog} title=${answer.title} onClose=${() => setAnswer(undefined)}>
        ${answer.isSecret ? html`<pre class="secret">${answer.text}</pre>` : html`<p>${answer.text}</p>`}
      <//>`
    }
  </div>`
}

function About({ hook }) {
  const events = hook.events.length > 0 ? hook.events : [hook.event].filter((key) => key !== null)
  const headers = Object.entries(hook.config.headers ?? {})
  return html`<section class="card">
    <${Facts}
      rows=${[
        [
          'Endpoint',
          html`<span class="code"
            >${typeof hook.config.url === 'string' ? hook.config.url : '–'}</span
          >`,
        ],
        [
          'Events',
          html`<span class="chips"
            >${events.map((key) => html`<span key=${key} class="chip">${key}</span>`)}</span
          >`,
        ],
        ['Tenant', html`<span class="code">${hook.tenantId ?? '–'}</span>`],
        [
          'Filter',
          typeof hook.delivery?.filter === 'string' &&
            html`<span class="code">${hook.delivery.filter}</span>`,
        ],
        [
          'Headers',
          headers.length > 0 &&
            html`<span class="code"
              >${headers.map(([name, value]) => html`<div key=${name}>${name}: ${String(value)}</div>`)}</span
            >`,
        ],
        ['Created', hook.createdAt === null ? '' : html`<${Time} at=${hook.createdAt} />`],
      ].map(([label, value]) => [label, value === false ? '' : value])}
    />
  </section>`
}

function Numbers({ hook, traffic }) {
  const { requestCount, successCount } = hook.executionStats
  const own = traffic?.statistics
  return html`<section class="tiles" aria-label="Last 24 hours">
      <${Tile}
        label="Success, 24 h"
        value=${share(successCount, requestCount)}
        level=${shareLevel(successCount, requestCount)}
        note=${`${compact(requestCount)} requests`}
      />
      <${Tile}
        label="Response p95"
        value=${duration(own?.total?.p95)}
        note=${`p50 ${duration(own?.total?.p50)}, p99 ${duration(own?.total?.p99)}`}
      />
      <${Tile}
        label="Waiting"
        value=${compact((own?.retrying ?? 0) + (own?.deferred ?? 0))}
        note=${`${compact(own?.retrying ?? 0)} retrying, ${compact(own?.deferred ?? 0)} deferred`}
      />
      <${Tile}
        label="Ended without success"
        value=${compact(own?.ended ?? 0)}
        level=${(own?.ended ?? 0) > 0 ? 'bad' : ''}
        note="dead or expired"
      />
    </section>
    ${
      traffic !== undefined &&
      html`<div class="columns">
          <section class="card">
            <h2>Requests</h2>
            <${TrafficChart} points=${traffic.points} />
          </section>
          <section class="card">
            <h2>Response time</h2>
            <${LatencyChart} points=${traffic.points} of="total" />
          </section>
        </div>
        ${
          own.failures.length > 0 &&
          html`<section class="card">
            <h2>Failures by kind</h2>
            <${Failures} failures=${own.failures} total=${own.calls - own.delivered} />
          </section>`
        }`
    }`
}

const filters = {
  all: {},
  open: { show: 'open' },
  dead: { outcome: 'dead' },
  expired: { outcome: 'expired' },
}
const choices = [
  ['all', 'All'],
  ['open', 'Waiting'],
  ['dead', 'Dead'],
  ['expired', 'Expired'],
]

function Deliveries({ id }) {
  const [filter, setFilter] = useState('all')
  return html`<section>
    <div class="section-head">
      <h2>Recent deliveries</h2>
      <${Tabs} label="Which" value=${filter} choices=${choices} onChange=${setFilter} />
    </div>
    <${DeliveryList} query=${{ hookId: id, ...filters[filter] }} empty="None in the window." />
  </section>`
}
