/** What names things: the forms of ids, and the one id that is computed. */
import { hash } from 'node:crypto'
import type { DeliveryId, HookId, TenantId } from './model.ts'

/**
 * Logto's own ids have 21 characters; other producers' may be longer. Printable and without white space, since ids are
 * written into logs, headers and URLs of the monitor.
 */
const idForm = /^[^\p{C}\p{Z}]{1,128}$/u

/** What {@link isHookId} asks for, as messages say it. */
export const hookIdForm =
  'text of 1 to 128 printable characters that does not begin with { or a quotation mark'

/** As record keys, hook ids must not look like the JSON that change data capture writes there (captured-change.ts). */
export function isHookId(value: unknown): value is HookId {
  return typeof value === 'string' && idForm.test(value) && !/^["{]/.test(value)
}

export function isTenantId(value: unknown): value is TenantId {
  return typeof value === 'string' && idForm.test(value)
}

/** What {@link isTenantId} asks for. */
export const tenantIdForm = 'text of 1 to 128 printable characters'

/** What {@link isDeliveryId} asks for. */
export const deliveryIdForm = 'dlv_ and 22 characters'

export function isDeliveryId(value: string): value is DeliveryId {
  return /^dlv_[\w-]{22}$/.test(value)
}

/**
 * The delivery's id (docs/architecture.md, Identity): the same in every attempt, replay and crash repeat, so receivers can
 * use it as their idempotency key.
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
