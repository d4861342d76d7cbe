/**
 * Whether it is the endpoint that limits how fast a lane works, or this process. What waits for an endpoint is put off,
 * so that others of its partition go on; what waits for this process makes its partition wait, since to copy it would
 * cost the process more than to call.
 */

/** How a lane does. */
export interface LaneFacts {
  /** Time in which calls were out, of what is remembered. Milliseconds. */
  readonly busyMs: number
  /** Calls that ended, or can be hoped to end, per millisecond. */
  readonly perMs: number
  /** For how long work has waited for a slot while the hook or its tenant held its share of slots. Milliseconds. */
  readonly heldMs: number
  /** The rate limit that the hook's owner set, in calls per second. */
  readonly ratePerSecond: number | undefined
}

/** How the process does. */
export interface ProcessFacts {
  /** Share of the last second and of the last 100 ms in which the event loop ran; the larger of the two. */
  readonly busyShare: number
  /** Whether one more call could be out, as far as the process is concerned. */
  readonly hasFreeSlots: boolean
  /** Whether more records wait for their acknowledgement than usual. */
  readonly hasSinkBacklog: boolean
}

/** A lane is judged when it was seen at work for so long. */
const evidenceMs = 1_000
/** A lane that makes more calls is never put off: to copy as many records takes the loop that the calls need. */
export const mostPutOffPerSecond = 500
/** An event loop that runs for a larger share of the time is what is slow. */
const mostBusyShare = 0.9

/** Whether the event loop is what is slow. */
export function isLoopBusy(busyShare: number): boolean {
  return busyShare >= mostBusyShare
}

/** Whether the process itself is what is slow. */
export function isProcessSlow({ busyShare, hasFreeSlots, hasSinkBacklog }: ProcessFacts): boolean {
  return isLoopBusy(busyShare) || !hasFreeSlots || hasSinkBacklog
}

export function isEndpointBound(lane: LaneFacts, process: ProcessFacts): boolean {
  if (isProcessSlow(process)) return false
  // The owner's limit is known without a look at the lane.
  if (lane.ratePerSecond !== undefined && lane.ratePerSecond < mostPutOffPerSecond) return true
  if (lane.heldMs >= evidenceMs) return true
  return lane.busyMs >= evidenceMs && lane.perMs * 1_000 < mostPutOffPerSecond
}
