/** The forms of ids, and the delivery id, which is computed. */
import { hash } from 'node:crypto'
import type { DeliveryId, HookId, TenantId } from './model.ts'

/**
 * Logto's ids have 21 characters, those of other producers may have more. Ids are written into logs, headers and URLs of
 * the monitor, so they must be printable and without white space.
 */
const idForm = /^[^\p{C}\p{Z}]{1,128}$/u

/** The form that {@link isHookId} requires, for messages. */
export const hookIdForm =
  'text of 1 to 128 printable characters, without spaces, that does not begin with { or a quotation mark'

/** Hook ids are record keys. They must not look like the JSON keys of change data capture (hook/captured-change.ts). */
export function isHookId(value: unknown): value is HookId {
  return typeof value === 'string' && idForm.test(value) && !/^["{]/.test(value)
}

export function isTenantId(value: unknown): value is TenantId {
  return typeof value === 'string' && idForm.test(value)
}

/** The form that {@link isTenantId} requires, for messages. */
export const tenantIdForm = 'text of 1 to 128 printable characters, without spaces'

/** The form that {@link isDeliveryId} requires, for messages. */
export const deliveryIdForm = 'dlv_ and 22 characters'

export function isDeliveryId(value: string): value is DeliveryId {
  return /^dlv_[\w-]{22}$/.test(value)
}

/**
 * The delivery's id (docs/architecture.md, Identity). It is the same in every attempt, replay and crash repeat, so
 * receivers can use it as an idempotency key.
 *
 * @param eventSource `ce_source` when the event's id is its `ce_id`, else empty
 */
export function deliveryIdOf(
  tenantId: TenantId,
  eventSource: string,
  eventId: string,
  hookId: HookId,
): DeliveryId {
  const name = JSON.stringify([tenantId, eventSource, eventId, hookId])
  return `dlv_${hash('sha256', name, 'base64url').slice(0, 22)}`
}
