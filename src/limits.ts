/** Bounds of one process. Together they keep its memory flat whatever comes in. */
export const limits = {
  /** Keeps a commit's metadata within 4,096 characters (design section 8). */
  maxIncomplete: 750,
  partitionBytes: 8 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
  deliveries: 20_000,
  /** Each call has a body of its own, and an event has as many as hooks: bytes admitted say nothing of these. */
  bodyBytes: 64 * 1024 * 1024,
  slowBodyBytes: 32 * 1024 * 1024,
  backlogBytes: 512 * 1024,
  tierBacklogBytes: 128 * 1024,
  /**
   * What makes a partition wait for a fast lane. So few that a lane which makes over 150 calls a second is never taken for
   * crowded, as when this process is what is slow.
   */
  laneQueue: 300,
  silentLaneQueue: 1_000,
  pendingRecords: 20_000,
  recentlyHandled: 200_000,
  drainBudgetMs: 2_000,
  slowAfterMs: 1_000,
  initialConcurrency: 2,
  /** Retries, deferrals and requests never take more than this share of the calls in flight. */
  lateShare: 0.75,
  /** What would wait longer in its lane is deferred, if that spares others of its partition. */
  maxWaitMs: 2_000,
  /** A lane's speed is judged when it was seen for so long. */
  evidenceMs: 1_000,
  patienceMs: 3_000,
} as const
