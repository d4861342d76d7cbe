/** Deliveries of all hooks, by outcome. */
import { usePages, VirtualList } from './list.js'
import { Empty, Loading, Notice } from './parts.js'
import { html } from './render.js'
import { useQuery } from './routing.js'
import { DeliveryRow, deliveryHead, hrefOfDelivery, keyOfRun } from './rows.js'

const outcomes = [
  '',
  'delivered',
  'retrying',
  'deferred',
  'dead',
  'expired',
  'discarded',
  'interrupted',
  'unmatched',
]

export function Deliveries() {
  const [query, setQuery] = useQuery()
  const { show = '', outcome = '', eventKey = '', tenantId = '', statusCode = '' } = query
  const asked = {
    show,
    outcome,
    eventKey,
    tenantId,
    statusCode: /^\d{3}$/.test(statusCode) ? statusCode : '',
  }
  const { items, isLoaded, error, more } = usePages('/api/deliveries', asked, keyOfRun)
  const field = (name, label) =>
    html`<input
      aria-label=${label}
      placeholder=${label}
      value=${query[name] ?? ''}
      onChange=${(event) => setQuery({ [name]: event.currentTarget.value.trim() })}
    />`
  return html`<div class="page-head"><h1>Deliveries</h1></div>
    <div class="filters">
      <select
        aria-label="Outcome"
        value=${show === 'open' ? 'open' : outcome}
        onChange=${(event) => {
          const { value } = event.currentTarget
          setQuery(value === 'open' ? { show: 'open', outcome: '' } : { show: '', outcome: value })
        }}
      >
        ${outcomes.map((name) => html`<option key=${name} value=${name}>${name === '' ? 'Any outcome' : name}</option>`)}
        <option value="open">still waiting</option>
      </select>
      ${field('eventKey', 'Event key')} ${field('tenantId', 'Tenant')}
      ${field('statusCode', 'Status code')}
    </div>
    <${Notice} error=${error} />
    ${!isLoaded && html`<${Loading} />`}
    ${isLoaded && items.length === 0 && error === undefined && html`<${Empty}>Nothing in the window is like that.<//>`}
    ${items.length > 0 && deliveryHead}
    <${VirtualList}
      label="Deliveries"
      items=${items}
      keyOf=${keyOfRun}
      hrefOf=${hrefOfDelivery}
      onEnd=${more}
      row=${(result) => html`<${DeliveryRow} result=${result} />`}
    />`
}
