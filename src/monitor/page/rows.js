/** Rows of lists, as several pages show them. */
import { duration, number } from './format.js'
import { Badge, Time } from './parts.js'
import { html } from './render.js'

/** What a call ended with, in short. */
export function answerOf({ statusCode, errorClass, reason }) {
  if (errorClass !== null && errorClass !== 'http') return errorClass
  return statusCode === null ? (reason ?? '–') : String(statusCode)
}

export function keyOfRun({ deliveryId, run }) {
  return `${deliveryId} ${run}`
}

export function hrefOfDelivery({ deliveryId }) {
  return `/deliveries/${encodeURIComponent(deliveryId)}`
}

export function hrefOfHook(id) {
  return `/hooks/${encodeURIComponent(id)}`
}

export function hrefOfEvent({ tenantId, eventId }) {
  return `/events/${encodeURIComponent(tenantId)}/${encodeURIComponent(eventId)}`
}

export const deliveryHead = html`<div class="list-head delivery" aria-hidden="true">
  <span>Time</span><span>Outcome</span><span>Event</span><span>Hook</span><span>User</span>
  <span>Answer</span><span class="end">Took</span><span class="end">Attempt</span>
</div>`

export function DeliveryRow({ result }) {
  const { attemptedAt, outcome, eventKey, hookId, userId, attempt, maxAttempts, totalMs } = result
  return html`<span class="cells delivery">
    <span class="quiet"><${Time} at=${attemptedAt} /></span>
    <span><${Badge} value=${outcome} /></span>
    <span class="strong">${eventKey}</span>
    <span class="code">${hookId}</span>
    <span class="code quiet">${userId ?? ''}</span>
    <span class="code">${answerOf(result)}</span>
    <span class="end">${totalMs === null ? '' : duration(totalMs)}</span>
    <span class="end quiet">${attempt === null ? '' : `${attempt}/${maxAttempts ?? '?'}`}</span>
  </span>`
}

/** How many of an event's deliveries ended how. */
function outcomesOf(deliveries) {
  const counts = new Map()
  for (const { outcome } of deliveries) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  return [...counts]
}

export const eventHead = html`<div class="list-head event" aria-hidden="true">
  <span>Event at</span><span>Event</span><span>User</span><span>Tenant</span><span>Event id</span
  ><span>What became of it</span>
</div>`

export function EventRow({ event }) {
  const { eventAt, eventKey, userId, sourceKey, tenantId, eventId, deliveries } = event
  return html`<span class="cells event">
    <span class="quiet"><${Time} at=${eventAt} /></span>
    <span class="strong">${eventKey}</span>
    <span class="code">${userId ?? sourceKey ?? ''}</span>
    <span class="code quiet">${tenantId}</span>
    <span class="code quiet">${eventId}</span>
    <span class="badges"
      >${outcomesOf(deliveries).map(
        ([outcome, count]) =>
          html`<span key=${outcome} class="counted"
            ><${Badge} value=${outcome} />${count > 1 ? number(count) : ''}</span
          >`,
      )}</span
    >
  </span>`
}
