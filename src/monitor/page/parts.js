/** Small parts that pages share. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { send } from './api.js'
import { away, iso, share, shareLevel, time } from './format.js'
import { html } from './render.js'

const outcomeLevels = {
  ...{ delivered: 'good', retrying: 'warn', deferred: 'wait', interrupted: 'wait' },
  ...{ dead: 'bad', expired: 'bad', discarded: 'off', unmatched: 'off' },
  ...{
    healthy: 'good',
    failing: 'warn',
    open: 'bad',
    paused: 'warn',
    disabled: 'bad',
    suspended: 'bad',
  },
}

export function Badge({ value, level }) {
  return html`<span class=${`badge ${level ?? outcomeLevels[value] ?? 'off'}`}>${value}</span>`
}

export function Share({ delivered, calls }) {
  return html`<span class=${`share ${shareLevel(delivered, calls)}`}
    >${share(delivered, calls)}</span
  >`
}

export function Time({ at }) {
  if (at === null || at === undefined || at === 0) return html`<span class="quiet">–</span>`
  return html`<time datetime=${iso(at)} title=${iso(at)}>${time(at)}</time>`
}

/** Counts down by itself. */
export function Due({ at }) {
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 1_000)
    return () => clearInterval(timer)
  }, [])
  return html`<time datetime=${iso(at)} title=${iso(at)}>${away(at)}</time>`
}

export function Tile({ label, value, note = '', level = '', href }) {
  const inside = html`<span class="tile-label">${label}</span>
    <span class=${`tile-value ${level}`}>${value}</span>
    <span class="tile-note">${note}</span>`
  return href === undefined
    ? html`<div class="tile">${inside}</div>`
    : html`<a class="tile" href=${href}>${inside}</a>`
}

export function Notice({ error }) {
  return error === undefined ? null : html`<p class="notice bad" role="alert">${error.message}</p>`
}

export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`
}

export function Loading() {
  return html`<p class="empty" aria-busy="true">Loading …</p>`
}

/** Label and value pairs. */
export function Facts({ rows }) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== '')
  return html`<dl class="facts">
    ${shown.map(
      ([label, value]) =>
        html`<div key=${label}>
          <dt>${label}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

export function Dialog({ title, onClose, children }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null))
  useEffect(() => element.current?.showModal(), [])
  return html`<dialog ref=${element} onClose=${onClose} aria-label=${title}>
    <header>
      <h2>${title}</h2>
      <button class="plain" aria-label="Close" onClick=${onClose}>✕</button>
    </header>
    ${children}
  </dialog>`
}

/** A button that asks before it acts, and says what came of it. */
export function Ask({ label, question, confirm = label, request, onDone, danger = false }) {
  const [state, setState] = useState(
    /** @type {{ isOpen: boolean, isBusy: boolean, error?: Error }} */ ({
      isOpen: false,
      isBusy: false,
    }),
  )
  const close = () => setState({ isOpen: false, isBusy: false, error: undefined })
  const act = async () => {
    setState({ isOpen: true, isBusy: true, error: undefined })
    try {
      const [method, path, body] = request
      const answer = await send(method, path, body)
      close()
      onDone?.(answer)
    } catch (error) {
      setState({ isOpen: true, isBusy: false, error })
    }
  }
  return html`<button
      class=${danger ? 'danger' : ''}
      onClick=${() => setState({ ...state, isOpen: true })}
    >
      ${label}
    </button>
    ${
      state.isOpen &&
      html`<${Dialog} title=${label} onClose=${close}>
        <p>${question}</p>
        <${Notice} error=${state.error} />
        <footer>
          <button class="plain" onClick=${close}>Cancel</button>
          <button class=${danger ? 'danger' : 'main'} disabled=${state.isBusy} onClick=${act}>
            ${state.isBusy ? 'Working …' : confirm}
          </button>
        </footer>
      <//>`
    }`
}

/** Choices that exclude each other. */
export function Tabs({ label, value, choices, onChange }) {
  return html`<div class="tabs" role="group" aria-label=${label}>
    ${choices.map(
      ([name, text]) =>
        html`<button
          key=${name}
          class=${name === value ? 'chosen' : ''}
          aria-pressed=${name === value}
          onClick=${() => onChange(name)}
        >
          ${text}
        </button>`,
    )}
  </div>`
}

/** @param {FormData} form */
export function fieldText(form, name) {
  const value = form.get(name)
  return typeof value === 'string' ? value.trim() : ''
}
