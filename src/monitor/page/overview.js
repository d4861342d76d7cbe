/** What is to be seen at a glance. */
import { useData, withQuery } from './api.js'
import { LatencyChart, TrafficChart } from './chart.js'
import { compact, duration, number, share, shareLevel } from './format.js'
import { Badge, Empty, Loading, Notice, Share, Tabs, Tile, Time } from './parts.js'
import { html } from './render.js'
import { useQuery } from './routing.js'
import { hrefOfHook } from './rows.js'

const ranges = [
  ['1h', '1 hour'],
  ['6h', '6 hours'],
  ['24h', '24 hours'],
]

export function Overview() {
  const [query, setQuery] = useQuery()
  const range = query.range ?? '24h'
  const { data, error } = useData(withQuery('/api/overview', { from: range }))
  return html`<div class="page-head">
      <h1>Overview</h1>
      <${Tabs}
        label="Range"
        value=${range}
        choices=${ranges}
        onChange=${(name) => setQuery({ range: name })}
      />
    </div>
    <${Notice} error=${error} />
    ${data === undefined ? error === undefined && html`<${Loading} />` : html`<${Shown} key=${range} data=${data} />`}`
}

function Shown({ data }) {
  const { statistics: all, lag } = data
  const failed = all.calls - all.delivered
  const open = all.retrying + all.deferred
  return html`<section class="tiles" aria-label="Totals">
      <${Tile}
        label="Success"
        value=${share(all.delivered, all.calls)}
        level=${shareLevel(all.delivered, all.calls)}
        note=${`${compact(failed)} of ${compact(all.calls)} requests failed`}
      />
      <${Tile}
        label="Response p95"
        value=${duration(all.total?.p95)}
        note=${`p50 ${duration(all.total?.p50)}, p99 ${duration(all.total?.p99)}`}
      />
      <${Tile}
        label="Event to first attempt, p95"
        value=${duration(all.first?.p95)}
        note=${`p50 ${duration(all.first?.p50)}`}
      />
      <${Tile}
        label="Waiting"
        value=${compact(lag?.retryRecords ?? open)}
        note=${`${compact(all.retrying)} retrying, ${compact(all.deferred)} deferred`}
        href="/deliveries?show=open"
      />
      <${Tile}
        label="Behind"
        value=${compact(lag?.liveRecords)}
        level=${(lag?.liveRecords ?? 0) > 10_000 ? 'warn' : ''}
        note="records of events and requests"
      />
      <${Tile}
        label="Dead letters"
        value=${compact(data.deadLetters)}
        level=${data.deadLetters > 0 ? 'bad' : ''}
        note="in this range"
        href="/dead-letters"
      />
    </section>
    <div class="columns">
      <section class="card">
        <h2>Requests</h2>
        <${TrafficChart} points=${data.points} />
      </section>
      <section class="card">
        <h2>Response time</h2>
        <${LatencyChart} points=${data.points} of="total" />
      </section>
    </div>
    <div class="columns">
      <section class="card">
        <h2>Hooks that fail most</h2>
        <${Failing} rows=${data.failing} calls=${all.calls} names=${data.hookNames} />
      </section>
      <section class="card">
        <h2>Endpoints</h2>
        <${Endpoints} data=${data} />
      </section>
    </div>
    <div class="columns">
      <section class="card">
        <h2>Failures by kind</h2>
        <${Failures} failures=${all.failures} total=${failed} />
      </section>
      <section class="card">
        <h2>Waiting and behind, by topic</h2>
        <${Topics} lag=${lag} trouble=${data.lagTrouble} />
      </section>
    </div>`
}

function HookCell({ id, names }) {
  const name = Object.hasOwn(names, id) ? names[id] : undefined
  return html`<td class=${name === undefined ? 'hook code' : 'hook'}>
    <a href=${hrefOfHook(id)} title=${id}>${name ?? id}</a>
  </td>`
}

function Failing({ rows, calls, names }) {
  if (calls === 0) return html`<${Empty}>No requests in this range.<//>`
  if (rows.length === 0) return html`<${Empty}>Every request of this range succeeded.<//>`
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Hook</th>
          <th class="end">Success</th>
          <th class="end">Failed</th>
          <th class="end">p95</th>
          <th>Most often</th>
        </tr>
      </thead>
      <tbody>
        ${rows.slice(0, 8).map(
          (row) =>
            html`<tr key=${row.name}>
              <${HookCell} id=${row.name} names=${names} />
              <td class="end"><${Share} delivered=${row.delivered} calls=${row.calls} /></td>
              <td class="end">${number(row.calls - row.delivered)}</td>
              <td class="end">${duration(row.total?.p95)}</td>
              <td class="code">${row.failures[0]?.class ?? ''}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function Endpoints({ data }) {
  const states = Object.entries(data.endpoints).filter(([, count]) => count > 0)
  return html`<p class="badges">
      ${states.map(([state, count]) => html`<span key=${state} class="counted"><${Badge} value=${state} /> ${number(count)}</span>`)}
    </p>
    ${
      data.troubled.length === 0
        ? html`<${Empty}>${noneTroubled(data)}<//>`
        : html`<div class="scroll">
            <table>
              <thead>
                <tr>
                  <th>Hook</th>
                  <th>State</th>
                  <th>Why</th>
                  <th>Since</th>
                </tr>
              </thead>
              <tbody>
                ${data.troubled.slice(0, 8).map(
                  ({ hookId, endpoint }) =>
                    html`<tr key=${hookId}>
                      <${HookCell} id=${hookId} names=${data.hookNames} />
                      <td><${Badge} value=${endpoint.state} /></td>
                      <td>${endpoint.reason ?? ''}</td>
                      <td><${Time} at=${endpoint.since} /></td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }`
}

/** Of hooks that are not read, or of none, nobody knows that they are well. */
function noneTroubled({ hooks }) {
  if (hooks === null) return 'The hooks are not read yet.'
  return hooks === 0 ? 'There are no hooks.' : 'All endpoints are healthy.'
}

export function Failures({ failures, total }) {
  if (failures.length === 0) return html`<${Empty}>Nothing failed.<//>`
  return html`<ul class="bars">
    ${failures.map(
      ({ class: name, count }) =>
        html`<li key=${name}>
          <span class="code">${name}</span>
          <span class="bar"
            ><span style=${{ width: `${(count / Math.max(1, total)) * 100}%` }}></span
          ></span>
          <span class="end">${number(count)}</span>
        </li>`,
    )}
  </ul>`
}

function Topics({ lag, trouble }) {
  if (trouble !== null) return html`<p class="notice warn">${trouble}</p>`
  if (lag === null) return html`<${Empty}>Not known yet.<//>`
  const rows = [
    ...lag.live.map((one) => ({ ...one, what: 'behind' })),
    ...lag.retry.map((one) => ({ ...one, what: 'waits' })),
    ...lag.absent.map((topic) => ({ topic, records: undefined, what: 'does not exist' })),
  ]
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Topic</th>
          <th></th>
          <th class="end">Records</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ topic, records, what }) =>
            html`<tr key=${topic}>
              <td class="code">${topic}</td>
              <td class="quiet">${what}</td>
              <td class="end">${number(records)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
