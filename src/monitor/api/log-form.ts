/** A call as a row of Logto's log of webhooks. What the event held is not in results, and so not in the log. */
import type { Listed } from '../index/delivery-queries.ts'

export const logKeyPrefix = 'TriggerHook.'

export function logForm(result: Listed) {
  const { id, eventKey, hookId, deliveryId, attempt, statusCode } = result
  const key = `${logKeyPrefix}${eventKey}`
  const isSuccess = result.outcome === 'delivered'
  const error = [result.errorClass ?? result.outcome, result.errorMessage]
  return {
    id: String(id),
    key,
    payload: {
      key,
      result: isSuccess ? 'Success' : 'Error',
      ...{ hookId, deliveryId, attempt },
      ...(statusCode === null
        ? {}
        : { response: { statusCode, body: bodyOf(result.responseBody) } }),
      ...(isSuccess ? {} : { error: error.filter((one) => one !== null).join(': ') }),
    },
    createdAt: result.attemptedAt,
  }
}

/** As Logto has it: JSON where it is some, else text. */
function bodyOf(text: string | null): unknown {
  if (text === null || text === '') return text ?? ''
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return text
  }
}
