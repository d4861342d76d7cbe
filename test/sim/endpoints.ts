/** Endpoints, by temper: what each answers to a call, and when. What they do is the same in every world of the seed. */
import type { Dice } from './dice.ts'

/** What comes of a call; times in milliseconds from its arrival. `hang` never answers. */
export type Reply =
  | {
      readonly kind: 'status'
      readonly afterMs: number
      readonly status: number
      readonly retryAfterMs: number | undefined
    }
  | { readonly kind: 'reset'; readonly afterMs: number }
  | { readonly kind: 'hang' }

/** How an endpoint that is unwell behaves. */
export type Illness =
  | { readonly kind: 'failing'; readonly status: 500 | 502 | 404 }
  | { readonly kind: 'hanging' }
  | { readonly kind: 'resetting' }
  | { readonly kind: 'busy'; readonly status: 429 | 503; readonly retryAfterMs: number }
  | { readonly kind: 'gone' }

export interface Temper {
  /** Time of an answer when it is well: between the two. */
  readonly leastMs: number
  readonly mostMs: number
  /** When it is unwell: in none, one or several spans of true time. */
  readonly ill: readonly { readonly from: number; readonly to: number; readonly how: Illness }[]
  /** Share of calls that fail with 500 though it is well. */
  readonly flaky: number
  /** Calls that it works on at once; what comes beyond is turned away with 503. */
  readonly takes: number
}

/** A busy process hears of an answer so much later, at most. */
const answersLateMs = 500

/** Whether it is well all the time, and fails no call. */
export function isWell({ ill, flaky, takes }: Temper): boolean {
  return ill.length === 0 && flaky === 0 && takes === Number.POSITIVE_INFINITY
}

/** Whether no call of it fails for whoever waits so long for an answer, in milliseconds. */
export function isWellFor(temper: Temper, timeoutMs: number): boolean {
  return isWell(temper) && temper.mostMs + answersLateMs < timeoutMs
}

/** @param working how many calls it works on now @param dice of this call alone */
export function replyTo(temper: Temper, now: number, working: number, dice: Dice): Reply {
  const span = temper.ill.find(({ from, to }) => from <= now && now < to)
  const afterMs = dice.between(temper.leastMs, temper.mostMs)
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
