/** The conditions of a lane, on a clock that never jumps and in the time of reports. */
import type { EndpointLane } from '../health/health.ts'
import type { EpochMs, MonotonicMs } from '../model/model.ts'

/** Whether a lane makes calls, and if not, until when. */
export type LaneCondition =
  | { readonly kind: 'flowing' }
  | { readonly kind: 'open'; readonly until: MonotonicMs }
  | { readonly kind: 'paused'; readonly until: MonotonicMs }

export type BlockedCondition = Exclude<LaneCondition, { readonly kind: 'flowing' }>

/** The lane's condition in the time of reports, rounded up, since reports have whole milliseconds. */
export function endpointLaneOf(
  condition: LaneCondition,
  { now, monotonic }: { readonly now: EpochMs; readonly monotonic: MonotonicMs },
): EndpointLane {
  if (condition.kind === 'flowing') return condition
  return { kind: condition.kind, endsAt: Math.ceil(condition.until + now - monotonic) }
}
