/** The forms of ids. A command refuses an id that cannot exist before it connects to Kafka. */
import {
  deliveryIdForm,
  hookIdForm,
  isDeliveryId,
  isHookId,
  isTenantId,
  tenantIdForm,
} from '../core/model/identity.ts'

/** The kinds of ids. */
export type IdOf = 'hook' | 'tenant' | 'delivery'

interface IdForm {
  readonly isValid: (text: string) => boolean
  /** Completes `must be …`. */
  readonly form: string
}

export const idForms: Readonly<Record<IdOf, IdForm>> = {
  hook: { isValid: isHookId, form: `the id of a hook: ${hookIdForm}` },
  tenant: { isValid: isTenantId, form: `the id of a tenant: ${tenantIdForm}` },
  delivery: { isValid: isDeliveryId, form: `the id of a delivery: ${deliveryIdForm}` },
}

export const hookOperand = { meaning: 'the id of a hook', of: 'hook', isRepeatable: false } as const
export const hooksOperand = { meaning: 'the ids of hooks', of: 'hook', isRepeatable: true } as const
export const deliveryOperand = {
  meaning: 'the id of a delivery',
  of: 'delivery',
  isRepeatable: false,
} as const
