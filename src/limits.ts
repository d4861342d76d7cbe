/** Bounds of one process. Together they keep its memory flat whatever comes in. */
export const limits = {
  /** Keeps a commit's metadata within 4,096 characters (docs/architecture.md, Offsets). */
  maxIncomplete: 750,
  partitionBytes: 8 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
  deliveries: 20_000,
  /** Each call has a body of its own, and an event has as many as hooks: bytes admitted say nothing of these. */
  bodyBytes: 64 * 1024 * 1024,
  backlogBytes: 512 * 1024,
  tierBacklogBytes: 128 * 1024,
  pendingRecords: 20_000,
  recentlyHandled: 200_000,
  drainBudgetMs: 2_000,
  initialConcurrency: 2,
  /** Retries, deferrals and requests never take more than this share of the slots. */
  lateShare: 0.75,
} as const
