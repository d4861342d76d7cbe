/** The ids that commands are given, and what they must be: one that nothing can have is refused before Kafka is asked. */
import {
  deliveryIdForm,
  hookIdForm,
  isDeliveryId,
  isHookId,
  isTenantId,
  tenantIdForm,
} from '../core/model/identity.ts'

/** What an id is of. */
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

/** Of a command's operand. */
export const hookOperand = { meaning: 'the id of a hook', of: 'hook', isRepeatable: false } as const
export const hooksOperand = { meaning: 'the ids of hooks', of: 'hook', isRepeatable: true } as const
export const deliveryOperand = {
  meaning: 'the id of a delivery',
  of: 'delivery',
  isRepeatable: false,
} as const
