/** Events, to find by what people know of them, and what became of one. */
import { useState } from 'preact/hooks'
import { useData, withQuery } from './api.js'
import { Further, usePages, VirtualList } from './list.js'
import { Empty, Facts, Loading, Notice, Time } from './parts.js'
import { html } from './render.js'
import { useQuery } from './routing.js'
import {
  DeliveryRow,
  deliveryHead,
  EventRow,
  eventHead,
  hrefOfDelivery,
  hrefOfEvent,
  hrefOfHook,
  keyOfRun,
} from './rows.js'

const kinds = [
  ['userId', 'User id'],
  ['eventId', 'Event id'],
  ['sourceKey', 'Record key'],
  ['deliveryId', 'Delivery id'],
  ['eventKey', 'Event key'],
  ['tenantId', 'Tenant'],
]

function keyOfEvent({ tenantId, eventId }) {
  return `${tenantId} ${eventId}`
}

export function Events() {
  const [query, setQuery] = useQuery()
  const { by = 'userId', value = '' } = query
  const isKind = kinds.some(([name]) => name === by)
  const [text, setText] = useState(value)
  const asked = value === '' || !isKind ? {} : { [by]: value }
  const { items, isLoaded, isPartial, error, more } = usePages('/api/events', asked, keyOfEvent)
  const search = (event) => {
    event.preventDefault()
    setQuery({ value: text.trim() })
  }
  return html`<div class="page-head"><h1>Events</h1></div>
    <form class="filters" onSubmit=${search} role="search">
      <select
        aria-label="Search by"
        value=${by}
        onChange=${(event) => setQuery({ by: event.currentTarget.value })}
      >
        ${kinds.map(([name, label]) => html`<option key=${name} value=${name}>${label}</option>`)}
      </select>
      <input
        type="search"
        aria-label="Search events"
        placeholder="Exactly as it is  ( / )"
        value=${text}
        onInput=${(event) => setText(event.currentTarget.value)}
      />
      <button class="main">Find</button>
    </form>
    <${Notice} error=${error} />
    ${!isLoaded && html`<${Loading} />`}
    ${
      isLoaded &&
      items.length === 0 &&
      !isPartial &&
      error === undefined &&
      html`<${Empty}
        >Nothing was recorded of such an event in the window. It may be older, match no hook, or not
        be read yet.<//
      >`
    }
    ${items.length > 0 && eventHead}
    <${VirtualList}
      label="Events"
      items=${items}
      keyOf=${keyOfEvent}
      hrefOf=${hrefOfEvent}
      onEnd=${isPartial ? undefined : more}
      row=${(event) => html`<${EventRow} event=${event} />`}
    />
    ${isPartial && html`<${Further} more=${more} />`}`
}

export function Event({ tenantId, eventId }) {
  const { data, error } = useData(withQuery('/api/events', { tenantId, eventId, limit: 1 }))
  const event = data?.[0]
  return html`<div class="page-head">
      <div>
        <h1>${event?.eventKey ?? 'Event'}</h1>
        <p class="quiet"><a href="/events">Events</a> / <span class="code">${eventId}</span></p>
      </div>
    </div>
    <${Notice} error=${error} />
    ${data === undefined && error === undefined && html`<${Loading} />`}
    ${data?.length === 0 && html`<${Empty}>Nothing was recorded of this event in the window.<//>`}
    ${
      event !== undefined &&
      html`<section class="card">
          <${Facts}
            rows=${[
              [
                'User',
                event.userId === null
                  ? ''
                  : html`<a
                      class="code"
                      href=${`/events?by=userId&value=${encodeURIComponent(event.userId)}`}
                      >${event.userId}</a
                    >`,
              ],
              [
                'Record key',
                event.sourceKey === null ? '' : html`<span class="code">${event.sourceKey}</span>`,
              ],
              ['Tenant', html`<span class="code">${event.tenantId}</span>`],
              ['Happened', html`<${Time} at=${event.eventAt} />`],
            ]}
          />
        </section>
        <h2>What became of it, by hook</h2>
        ${deliveryHead}
        <${VirtualList}
          label="Deliveries"
          items=${event.deliveries}
          keyOf=${keyOfRun}
          hrefOf=${hrefOfDelivery}
          row=${(result) => html`<${DeliveryRow} result=${result} />`}
        />
        <${NotCalled} tenantId=${tenantId} eventId=${eventId} />`
    }`
}

/** Asked for once: the monitor reads the event's record for it. */
function NotCalled({ tenantId, eventId }) {
  const { data, error } = useData(withQuery('/api/explain', { tenantId, eventId }), false)
  return html`<h2>Hooks that were not called for it</h2>
    <${Notice} error=${error} />
    ${data === undefined && error === undefined && html`<${Loading} />`}
    ${
      data?.notCalled === null &&
      html`<${Empty}>The record of the event is not kept any more, so why is not known.<//>`
    }
    ${data?.notCalled?.length === 0 && html`<${Empty}>None.<//>`}
    ${
      data?.notCalled?.length > 0 &&
      html`<section class="card">
        <table>
          <thead>
            <tr>
              <th>Hook</th>
              <th>Why</th>
            </tr>
          </thead>
          <tbody>
            ${data.notCalled.map(
              ({ hookId, words, isChangedSince }) =>
                html`<tr key=${hookId}>
                  <td class="hook code"><a href=${hrefOfHook(hookId)}>${hookId}</a></td>
                  <td class="why">
                    ${words}${isChangedSince ? ' (its record was written after the event)' : ''}
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
        <p class="quiet">By the hooks as they are now.</p>
      </section>`
    }`
}
