/** Deliveries of all hooks, by outcome. */
import { DeliveryList } from './delivery-list.js'
import { html } from './render.js'
import { useQuery } from './routing.js'

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
    <${DeliveryList} query=${asked} empty="Nothing in the window is like that." />`
}
