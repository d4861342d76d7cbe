/**
 * What the owner of an endpoint is told of it (docs/notices.md). A reducer over the records of endpoint health in the order
 * of their topic, so all processes come to the same notices.
 */
import { supersedes, type Health } from '../health/record.ts'
import type { NoticeKey } from '../event/event-keys.ts'
import type { EpochMs } from '../model/model.ts'
import type { EndpointState } from '../model/record-values.ts'

/** What was told of an endpoint. */
export interface Account {
  readonly known: Pick<Health, 'state' | 'enableEpoch'>
  /** The gravest state that was told since the endpoint was healthy last. */
  readonly told: ToldState
  /** When the last notice was told, by the clock of the process that wrote the record. */
  readonly toldAt: EpochMs
}

type ToldState = Exclude<EndpointState, 'paused'>

export interface Heard {
  readonly account: Account
  /** What is to be told now, if anything. */
  readonly key: NoticeKey | undefined
}

/** So long after a recovery, and after a notice that was told before it, nothing but a disabled endpoint is told. */
export const quietMs = 10 * 60_000

const gravity: Readonly<Record<ToldState, number>> = {
  healthy: 0,
  failing: 1,
  open: 2,
  disabled: 3,
}
const keys: Readonly<Record<ToldState, NoticeKey>> = {
  healthy: 'Hooktide.Endpoint.Recovered',
  failing: 'Hooktide.Endpoint.Failing',
  open: 'Hooktide.Endpoint.Open',
  disabled: 'Hooktide.Endpoint.Disabled',
}

/**
 * A record was read. Between a first failure and a recovery each state is told once, and only if it is graver than what was
 * told. A recovery is told if anything was. Repeated records and pauses are not told.
 */
export function heard(account: Account | undefined, health: Health): Heard {
  const { state, enableEpoch, at } = health
  const { told, toldAt } = account ?? { told: 'healthy', toldAt: Number.NEGATIVE_INFINITY }
  if (!supersedes(health, account?.known) && account !== undefined)
    return { account, key: undefined }
  const known = { state, enableEpoch }
  const unchanged = { account: { known, told, toldAt }, key: undefined }
  if (state === 'paused') return unchanged
  const isNews = state === 'healthy' ? told !== 'healthy' : gravity[state] > gravity[told]
  if (!isNews || isTooSoon(state, { told, toldAt }, at)) return unchanged
  return { account: { known, told: state, toldAt: at }, key: keys[state] }
}

/** An endpoint that comes and goes is told of once in a while. A clock that was set back ends the wait. */
function isTooSoon(
  state: ToldState,
  { told, toldAt }: Pick<Account, 'told' | 'toldAt'>,
  at: EpochMs,
): boolean {
  const isBeginning = told === 'healthy' && state !== 'disabled'
  return isBeginning && at >= toldAt && at - toldAt < quietMs
}
