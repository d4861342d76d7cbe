/** Endpoints by temper: what each one answers to a call, and when. They behave the same in every world of a seed. */
import type { Dice } from './dice.ts'

/** The reply to a call, with times in milliseconds from its arrival. `hang` never answers. */
export type Reply =
  | {
      readonly kind: 'status'
      readonly afterMs: number
      readonly status: number
      readonly retryAfterMs: number | undefined
    }
  | { readonly kind: 'reset'; readonly afterMs: number }
  | { readonly kind: 'hang' }

/** How an unhealthy endpoint behaves. */
export type Illness =
  | { readonly kind: 'failing'; readonly status: 500 | 502 | 404 }
  | { readonly kind: 'hanging' }
  | { readonly kind: 'resetting' }
  | { readonly kind: 'busy'; readonly status: 429 | 503; readonly retryAfterMs: number }
  | { readonly kind: 'gone' }

export interface Temper {
  /** The bounds of the response time while the endpoint is healthy. */
  readonly minMs: number
  readonly maxMs: number
  /** The spans of true time in which the endpoint is unhealthy. */
  readonly ill: readonly { readonly from: number; readonly to: number; readonly how: Illness }[]
  /** The share of calls that fail with 500 while the endpoint is healthy. */
  readonly flaky: number
  /** How many calls it accepts at once. Others get 503. */
  readonly takes: number
}

/** The most by which a busy process gets an answer late. */
const answersLateMs = 500

/** Whether the endpoint is healthy all the time, and fails no call. */
export function isAlwaysHealthy({ ill, flaky, takes }: Temper): boolean {
  return ill.length === 0 && flaky === 0 && takes === Number.POSITIVE_INFINITY
}

/** Whether no call fails with this time-out, in milliseconds. */
export function isHealthyFor(temper: Temper, timeoutMs: number): boolean {
  return isAlwaysHealthy(temper) && temper.maxMs + answersLateMs < timeoutMs
}

/** @param working how many calls it works on now @param dice of this call alone */
export function replyTo(temper: Temper, now: number, working: number, dice: Dice): Reply {
  const span = temper.ill.find(({ from, to }) => from <= now && now < to)
  const afterMs = dice.between(temper.minMs, temper.maxMs)
  if (span !== undefined) return replyOfIll(span.how, afterMs)
  if (working >= temper.takes) return status(Math.min(afterMs, 5), 503)
  return status(afterMs, dice.chance(temper.flaky) ? 500 : 200)
}

function replyOfIll(how: Illness, afterMs: number): Reply {
  switch (how.kind) {
    case 'failing':
      return status(afterMs, how.status)
    case 'hanging':
      return { kind: 'hang' }
    case 'resetting':
      return { kind: 'reset', afterMs: Math.min(afterMs, 20) }
    case 'busy':
      return status(Math.min(afterMs, 20), how.status, how.retryAfterMs)
    case 'gone':
      return status(afterMs, 410)
  }
}

function status(afterMs: number, code: number, retryAfterMs?: number): Reply {
  return { kind: 'status', afterMs, status: code, retryAfterMs }
}
