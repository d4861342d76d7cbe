/**
 * Whether the endpoint limits the rate of a lane, or this process does. A delivery that waits for a slow endpoint is
 * deferred, so that the other deliveries of its partition go on. A delivery that waits for a slow process makes its
 * partition wait: to defer it would cost the process more than the call.
 */

/** Measurements of a lane. */
export interface LaneFacts {
  /** Time with calls in flight, within the remembered window. Milliseconds. */
  readonly busyMs: number
  /** Calls that ended per millisecond. For a silent lane, an upper estimate. */
  readonly perMs: number
  /** How long work has waited for a slot. Milliseconds. */
  readonly slotWaitMs: number
  /** The rate limit that the hook's owner set, in calls per second. */
  readonly ratePerSecond: number | undefined
}

/** Whether calls of the lane may start. */
export interface HoldFacts {
  /**
   * Whether its calls take long, and may not start because partitions are handed over soon. What waits for them would stop its
   * partition until then.
   */
  readonly isHeld: boolean
}

/** Measurements of the calls with which a lane shares slots and room. */
export interface CrowdFacts {
  /**
   * Whether many of these calls take long, as was found while the event loop was not busy. So a hook that has hardly made a
   * call would wait until they end, and its partition with it. They are those of the hook's tenant, and those of all tenants
   * unless short calls of the hook have ended lately ({@link ./call-length.ts}).
   */
  readonly isCrowdSlow: boolean
}

/** Measurements of the process. */
export interface ProcessFacts {
  /** Share of the last second and of the last 100 ms in which the event loop ran; the larger of the two. */
  readonly busyShare: number
  /** Whether the process has a slot for one more call. */
  readonly hasFreeSlots: boolean
  /** Whether unusually many records wait for their acknowledgement. */
  readonly hasSinkBacklog: boolean
}

/** How long a lane must have been observed before it can count as slow. */
const evidenceMs = 1_000
/** A lane that makes more calls does not defer: writing as many records would take the event loop from the calls. */
export const maxDeferrablePerSecond = 500
/** An event loop that is busy for at least this share of the time counts as slow. */
const maxBusyShare = 0.9

/** Whether the event loop is too busy. */
export function isLoopBusy(busyShare: number): boolean {
  return busyShare >= maxBusyShare
}

/**
 * Beside other programs that use all cores, an event loop that had work was busy for this share of the time or more. Deferring
 * alone takes half of the loop's time at most ({@link ./deferral-budget.ts}), and is not to slow itself down.
 */
const starvedShare = 0.75

/** Whether the process may get too little of the processor. Then lanes with short calls may seem slower than their endpoints. */
export function mayBeStarved(busyShare: number): boolean {
  return busyShare >= starvedShare
}

/** Whether the process itself is slow. */
export function isProcessSlow({ busyShare, hasFreeSlots, hasSinkBacklog }: ProcessFacts): boolean {
  return isLoopBusy(busyShare) || !hasFreeSlots || hasSinkBacklog
}

export function isEndpointBound(
  lane: LaneFacts & HoldFacts & CrowdFacts,
  process: ProcessFacts,
): boolean {
  if (process.hasSinkBacklog) return false
  if (lane.isHeld) return true
  if (!process.hasFreeSlots) return false
  // A busy loop makes calls of its own process seem long. Of a tenant whose calls took long before, that is no reason to let
  // its partitions wait: crowds that time out or return together keep the loop busy themselves.
  if (isLoopBusy(process.busyShare) && !lane.isCrowdSlow) return false
  // The owner's limit is known without measurements of the lane.
  if (lane.ratePerSecond !== undefined && lane.ratePerSecond < maxDeferrablePerSecond) return true
  if (lane.slotWaitMs >= evidenceMs) return true
  if (lane.busyMs < evidenceMs) return lane.isCrowdSlow
  return lane.perMs * 1_000 < maxDeferrablePerSecond
}
