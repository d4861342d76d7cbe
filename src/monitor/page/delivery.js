/** One delivery: the timeline of its attempts, what was sent, what was answered, and what comes next. */
import { useState } from 'preact/hooks'
import { load, useData, withQuery } from './api.js'
import { duration, pretty } from './format.js'
import { Ask, Badge, Due, Facts, Loading, Notice, Time } from './parts.js'
import { html } from './render.js'
import { hrefOfEvent, hrefOfHook, answerOf } from './rows.js'

export function Delivery({ id, hasActions }) {
  const path = `/api/deliveries/${encodeURIComponent(id)}`
  const { data, error, reload } = useData(path)
  const last = data?.runs.at(-1)
  return html`<div class="page-head">
      <div>
        <h1>${data?.eventKey ?? 'Delivery'}</h1>
        <p class="quiet"><a href="/deliveries">Deliveries</a> / <span class="code">${id}</span></p>
      </div>
      ${last !== undefined && html`<${Badge} value=${last.outcome} />`}
    </div>
    <${Notice} error=${error} />
    ${data === undefined && error === undefined && html`<${Loading} />`}
    ${data !== undefined && html`<${Shown} data=${data} path=${path} hasActions=${hasActions} onDone=${reload} />`}`
}

function Shown({ data, path, hasActions, onDone }) {
  const [isAsked, setAsked] = useState(false)
  const waiting = data.runs.find(({ nextDueAt }) => nextDueAt !== null)
  const { places, error } = usePlaces(path, waiting?.nextDueAt)
  return html`${
      waiting !== undefined &&
      html`<${Waits} places=${places} error=${error} announced=${waiting.nextDueAt} />`
    }
    ${
      hasActions &&
      html`<div class="actions">
        <${Ask}
          label=${waiting === undefined ? 'Send again' : 'Retry now'}
          question="The delivery is asked for anew, as a run of its own: it goes to the hook as it is now. While its endpoint is open or paused, the new run waits as well."
          request=${['POST', `${path}/resend`]}
          onDone=${() => {
            setAsked(true)
            onDone()
          }}
        />
        ${isAsked && html`<span class="quiet" role="status">Asked for: the new run appears below.</span>`}
      </div>`
    }
    <section class="card">
      <${Facts}
        rows=${[
          ['Hook', html`<a class="code" href=${hrefOfHook(data.hookId)}>${data.hookId}</a>`],
          ['Event', html`<a class="code" href=${hrefOfEvent(data)}>${data.eventId}</a>`],
          [
            'User',
            data.userId === null
              ? ''
              : html`<a
                  class="code"
                  href=${`/events?by=userId&value=${encodeURIComponent(data.userId)}`}
                  >${data.userId}</a
                >`,
          ],
          [
            'Record key',
            data.sourceKey === null ? '' : html`<span class="code">${data.sourceKey}</span>`,
          ],
          ['Tenant', html`<span class="code">${data.tenantId}</span>`],
          ['Happened', html`<${Time} at=${data.eventAt} />`],
        ]}
      />
    </section>
    ${data.runs.toReversed().map((run) => html`<${Run} key=${run.run} run=${run} eventAt=${data.eventAt} places=${places} />`)}
    ${data.letters.map(
      (letter) =>
        html`<p key=${`${letter.partition}/${letter.offset}`} class="notice bad">
          Dead letter since <${Time} at=${letter.diedAt} />: ${letter.reason}, after
          ${letter.attempts} attempts (<span class="code"
            >${letter.topic}/${letter.partition}/${letter.offset}</span
          >).
        </p>`,
    )}
    <${Sent} path=${`${path}/request`} />`
}

/**
 * Where its runs wait now, and until when: what was announced when one failed may be out of date. It is asked for once,
 * because brokers are read for it. `undefined` while that is not known.
 */
function usePlaces(path, announced) {
  const { data, error } = useData(
    announced === undefined ? undefined : withQuery(`${path}/waiting`, { announced }),
    false,
  )
  return { places: data?.toSorted((one, other) => one.dueAt - other.dueAt), error }
}

function Waits({ places, error, announced }) {
  const now = places?.[0]
  if (places !== undefined && now === undefined) {
    return html`<p class="notice warn">
      Its next attempt was announced for <${Time} at=${announced} />. No topic holds it now: it is
      on its way, or its record is gone.
    </p>`
  }
  const dueAt = now?.dueAt ?? announced
  return html`<p class="notice warn">
    Waits for its next attempt, due <${Due} at=${dueAt} />, <${Time} at=${dueAt} />.
    ${now !== undefined && html`It is in <span class="code">${now.place}</span>.`}
    ${error !== undefined && html`Where it waits now cannot be told: ${error.message}`}
  </p>`
}

const triggers = {
  event: 'Sent for the event',
  replay: 'Replayed',
  resend: 'Sent again',
  test: 'Test',
}

function Run({ run, eventAt, places }) {
  const longest = Math.max(1, ...run.results.map(({ totalMs }) => totalMs ?? 0))
  const first = run.results.find(({ attempt }) => attempt !== null)
  const late =
    run.trigger === 'event' && first !== undefined && eventAt > 0
      ? Math.max(0, first.attemptedAt - eventAt)
      : undefined
  return html`<section class="card">
    <div class="section-head">
      <h2>${triggers[run.trigger] ?? run.trigger}</h2>
      <span class="code quiet">${run.run}</span>
      <${Badge} value=${run.outcome} />
    </div>
    ${late !== undefined && late >= 0 && html`<p class="quiet">First attempt ${duration(late)} after the event.</p>`}
    <ol class="timeline">
      ${run.results.map((result) => html`<${Attempt} key=${result.id} result=${result} longest=${longest} />`)}
      ${
        run.nextDueAt !== null &&
        html`<li class="next">
          <span class="quiet">next</span><${Next} run=${run} places=${places} />
        </li>`
      }
    </ol>
  </section>`
}

function Next({ run, places }) {
  const now = places?.find((place) => place.run === run.run)
  if (places !== undefined && now === undefined) return html`<span>waits nowhere now</span>`
  return html`<span>attempt due <${Due} at=${now?.dueAt ?? run.nextDueAt} /></span>`
}

function Attempt({ result, longest }) {
  const {
    attempt,
    maxAttempts,
    outcome,
    attemptedAt,
    totalMs,
    errorMessage,
    responseBody,
    reason,
    blame,
    unmatchedHooks,
  } = result
  return html`<li>
    <span class="quiet"><${Time} at=${attemptedAt} /></span>
    <div>
      <p class="attempt">
        <${Badge} value=${outcome} />
        <span class="strong code"
          >${attempt === null ? (reason ?? 'no attempt') : answerOf(result)}</span
        >
        ${attempt !== null && html`<span class="quiet">attempt ${attempt}${maxAttempts === null ? '' : ` of ${maxAttempts}`}</span>`}
        ${totalMs !== null && html`<span>${duration(totalMs)}</span>`}
        ${blame !== null && html`<span class="quiet">blame: ${blame}</span>`}
      </p>
      ${totalMs !== null && html`<${PhaseBar} result=${result} longest=${longest} />`}
      ${errorMessage !== null && html`<p class="error-text">${errorMessage}</p>`}
      ${
        unmatchedHooks !== null &&
        html`<ul class="refusals">
          ${unmatchedHooks.map(({ hookId, reason: why }) => html`<li key=${hookId}><a class="code" href=${hrefOfHook(hookId)}>${hookId}</a> ${why}</li>`)}
        </ul>`
      }
      ${
        responseBody !== null &&
        responseBody !== '' &&
        html`<details open=${outcome !== 'delivered'}>
          <summary>What it answered</summary>
          <pre>${pretty(responseBody)}</pre>
        </details>`
      }
      <p class="quiet small">
        ${result.url === null ? '' : `${result.url} · `}by ${result.instance} ·
        ${result.sourceTopic}/${result.sourcePartition}/${result.sourceOffset}
      </p>
    </div>
  </li>`
}

/** Where the time of a call went: to connect, to the first byte, to the end. */
function PhaseBar({ result, longest }) {
  const { queuedMs, connectMs, firstByteMs, totalMs } = result
  const connected = Math.min(connectMs ?? totalMs, totalMs)
  const answered = Math.max(connected, Math.min(firstByteMs ?? totalMs, totalMs))
  const parts = [
    ['connect', connected],
    ['wait', answered - connected],
    ['read', totalMs - answered],
  ]
  const words = parts
    .filter(([, ms]) => Number(ms) > 0)
    .map(([name, ms]) => `${name} ${duration(ms)}`)
  const before = queuedMs === null ? '' : `queued ${duration(queuedMs)}, `
  return html`<div
      class="phases"
      role="img"
      aria-label=${`${before}${words.join(', ')}`}
      title=${`${before}${words.join(', ')}`}
    >
      ${parts.map(([name, ms]) => html`<span key=${name} class=${name} style=${{ width: `${(Number(ms) / longest) * 100}%` }}></span>`)}
    </div>
    <p class="quiet small">${before}${words.join(', ')}</p>`
}

function Sent({ path }) {
  const [state, setState] = useState(
    /** @type {{ isOpen: boolean, data?: { headers: Record<string, string>, body: string }, error?: Error }} */ ({
      isOpen: false,
    }),
  )
  const show = async () => {
    setState({ isOpen: true, data: undefined, error: undefined })
    try {
      setState({ isOpen: true, data: await load(path), error: undefined })
    } catch (error) {
      setState({ isOpen: true, data: undefined, error })
    }
  }
  if (!state.isOpen) {
    return html`<section>
      <button onClick=${show}>Show what is sent</button>
      <span class="quiet">The event may name people.</span>
    </section>`
  }
  const headers = Object.entries(state.data?.headers ?? {})
  return html`<section class="card">
    <h2>What is sent</h2>
    <${Notice} error=${state.error} />
    ${state.data === undefined && state.error === undefined && html`<${Loading} />`}
    ${
      state.data !== undefined &&
      html`${headers.length > 0 && html`<pre>${headers.map(([name, value]) => `${name}: ${value}`).join('\n')}</pre>`}
        <pre>${pretty(state.data.body)}</pre>`
    }
  </section>`
}
