/** Dead letters: to filter, to choose, and to send again after a look at how many that are. */
import { useEffect, useState } from 'preact/hooks'
import { send, useData, withQuery } from './api.js'
import { number } from './format.js'
import { Dialog, Empty, Loading, Notice, Time } from './parts.js'
import { html } from './render.js'
import { useQuery } from './routing.js'
import { hrefOfDelivery, hrefOfHook } from './rows.js'

const pageSize = 100

export function DeadLetters({ hasActions }) {
  const [query, setQuery] = useQuery()
  const { hookId = '', reason = '', eventKey = '' } = query
  const page = Math.max(1, Number(query.page ?? 1) || 1)
  const [chosen, setChosen] = useState(/** @type {ReadonlySet<string>} */ (new Set()))
  const [order, setOrder] = useState(
    /** @type {Record<string, readonly string[]> | undefined} */ (undefined),
  )
  const filter = { hookId, reason, eventKey }
  // Nothing is chosen that is not to be seen.
  useEffect(() => setChosen(new Set()), [hookId, reason, eventKey, page])
  const { data, error } = useData(
    withQuery('/api/dead-letters', { ...filter, page, page_size: pageSize }),
  )
  const facets = useData('/api/dead-letters/facets')
  const select = (name, label, values) =>
    html`<select
      aria-label=${label}
      value=${query[name] ?? ''}
      onChange=${(event) => setQuery({ [name]: event.currentTarget.value, page: '' })}
    >
      <option value="">${label}: any</option>
      ${(values ?? []).map(({ value, count }) => html`<option key=${value} value=${value}>${value} (${number(count)})</option>`)}
    </select>`
  const ofFilter = Object.fromEntries(
    [
      ['hookIds', hookId],
      ['reasons', reason],
      ['eventKeys', eventKey],
    ]
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, [value]]),
  )
  return html`<div class="page-head"><h1>Dead letters</h1></div>
    <div class="filters">
      ${select('hookId', 'Hook', facets.data?.hookId)}
      ${select('reason', 'Reason', facets.data?.reason)}
      ${select('eventKey', 'Event', facets.data?.eventKey)}
    </div>
    ${
      hasActions &&
      html`<div class="actions">
        <button
          disabled=${chosen.size === 0}
          onClick=${() => setOrder({ deliveryIds: [...chosen].slice(0, 100) })}
        >
          Send ${chosen.size === 0 ? 'chosen' : chosen.size} again
        </button>
        <button
          disabled=${data === undefined || data.length === 0}
          onClick=${() => setOrder(ofFilter)}
        >
          Send all that fit again
        </button>
      </div>`
    }
    <${Notice} error=${error} />
    ${data === undefined && error === undefined && html`<${Loading} />`}
    ${data?.length === 0 && html`<${Empty}>No dead letters in the window.<//>`}
    ${
      data?.length > 0 &&
      html`<${LetterTable}
          letters=${data}
          hasActions=${hasActions}
          chosen=${chosen}
          onChoose=${setChosen}
        />
        <nav class="pages" aria-label="Pages">
          <button disabled=${page === 1} onClick=${() => setQuery({ page: String(page - 1) })}>
            Newer
          </button>
          <span class="quiet">page ${page}</span>
          <button
            disabled=${data.length < pageSize}
            onClick=${() => setQuery({ page: String(page + 1) })}
          >
            Older
          </button>
        </nav>`
    }
    ${order !== undefined && html`<${Replay} order=${order} onClose=${() => setOrder(undefined)} onDone=${() => setChosen(new Set())} />`}`
}

function LetterTable({ letters, hasActions, chosen, onChoose }) {
  const choose = (id, isChosen) => {
    const next = new Set(chosen)
    if (isChosen) next.add(id)
    else next.delete(id)
    onChoose(next)
  }
  return html`<div class="card scroll">
    <table class="letters">
      <thead>
        <tr>
          ${
            hasActions &&
            html`<th class="choice">
              <input
                type="checkbox"
                aria-label="Choose all of this page"
                checked=${letters.every(({ deliveryId }) => chosen.has(deliveryId))}
                onChange=${(event) => onChoose(event.currentTarget.checked ? new Set(letters.map(({ deliveryId }) => deliveryId)) : new Set())}
              />
            </th>`
          }
          <th>Died</th>
          <th>Reason</th>
          <th>Event</th>
          <th>Hook</th>
          <th>Delivery</th>
          <th class="end">Status</th>
          <th class="end">Attempts</th>
        </tr>
      </thead>
      <tbody>
        ${letters.map(
          (letter) =>
            html`<${Letter}
              key=${`${letter.partition}/${letter.offset}`}
              letter=${letter}
              choice=${hasActions && { isChosen: chosen.has(letter.deliveryId), onChoose: (isChosen) => choose(letter.deliveryId, isChosen) }}
            />`,
        )}
      </tbody>
    </table>
  </div>`
}

function Letter({ letter, choice }) {
  const { deliveryId, diedAt, reason, eventKey, hookId, statusCode, attempts } = letter
  return html`<tr>
    ${
      choice &&
      html`<td class="choice">
        <input
          type="checkbox"
          aria-label=${`Choose ${deliveryId}`}
          checked=${choice.isChosen}
          onChange=${(event) => choice.onChoose(event.currentTarget.checked)}
        />
      </td>`
    }
    <td class="quiet died"><${Time} at=${diedAt} /></td>
    <td class="reason">${reason}</td>
    <td class="strong cut of-event" title=${eventKey}>${eventKey}</td>
    <td class="code cut of-hook" title=${hookId}><a href=${hrefOfHook(hookId)}>${hookId}</a></td>
    <td class="code cut of-delivery" title=${deliveryId}>
      <a href=${hrefOfDelivery(letter)}>${deliveryId}</a>
    </td>
    <td class="end code status">${statusCode ?? ''}</td>
    <td class="end attempts">${attempts}</td>
  </tr>`
}

/**
 * @typedef {{ requests: number, byHook: readonly { hookId: string, deliveries: number }[],
 *   leftOut: Record<string, number>, notes: readonly string[] }} Counted
 */

/** Counts first; what it shows is what is sent, but for what happens meanwhile. */
function Replay({ order, onClose, onDone }) {
  const [state, setState] = useState(
    /** @type {{ isBusy: boolean, counted?: Counted, done?: Counted, error?: Error }} */ ({
      isBusy: true,
    }),
  )
  const ask = async (dryRun) => {
    setState((known) => ({ ...known, isBusy: true, error: undefined }))
    try {
      const answer = await send('POST', '/api/dead-letters/replay', { ...order, dryRun })
      setState((known) => ({ ...known, isBusy: false, [dryRun ? 'counted' : 'done']: answer }))
      if (!dryRun) onDone()
    } catch (error) {
      setState((known) => ({ ...known, isBusy: false, error }))
    }
  }
  useEffect(() => void ask(true), [])
  const shown = state.done ?? state.counted
  return html`<${Dialog} title="Send dead letters again" onClose=${onClose}>
    <${Notice} error=${state.error} />
    ${shown === undefined && state.error === undefined && html`<p aria-busy="true">Counting …</p>`}
    ${
      shown !== undefined &&
      html`<p role="status">
          <strong>${number(shown.requests)}</strong>
          ${shown.requests === 1 ? 'delivery' : 'deliveries'}
          ${state.done === undefined ? 'would be sent again' : 'asked for'}.
        </p>
        ${
          shown.byHook.length > 0 &&
          html`<table>
            <tbody>
              ${shown.byHook.slice(0, 20).map(
                ({ hookId, deliveries }) =>
                  html`<tr key=${hookId}>
                    <td class="code cut" title=${hookId}>${hookId}</td>
                    <td class="end">${number(deliveries)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
        }
        ${Object.entries(shown.leftOut).map(([why, count]) => html`<p key=${why} class="quiet">Left out: ${number(count)}, ${why}</p>`)}
        ${shown.notes.map((note) => html`<p key=${note} class="quiet">${note}</p>`)}`
    }
    <footer>
      <button class="plain" onClick=${onClose}>
        ${state.done === undefined ? 'Cancel' : 'Close'}
      </button>
      ${
        state.done === undefined &&
        html`<button
          class="main"
          disabled=${state.isBusy || (state.counted?.requests ?? 0) === 0}
          onClick=${() => ask(false)}
        >
          ${state.isBusy ? 'Working …' : 'Send again'}
        </button>`
      }
    </footer>
  <//>`
}
