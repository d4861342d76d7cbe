/** Bounds of one process. Together they bound its memory, whatever it receives. */
export const limits = {
  /** Offsets of a partition. Keeps a commit's metadata within 4,096 characters (docs/architecture.md, Offsets). */
  maxIncomplete: 750,
  partitionBytes: 8 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
  deliveries: 20_000,
  /** Of calls in flight. Each call has its own copy of the body, so `totalBytes`, which counts events, does not bound them. */
  bodyBytes: 64 * 1024 * 1024,
  backlogBytes: 512 * 1024,
  tierBacklogBytes: 128 * 1024,
  pendingRecords: 20_000,
  recentlyHandled: 200_000,
  drainBudgetMs: 2_000,
  initialConcurrency: 2,
  /** Retries, deferrals and requests take at most this share of the slots. */
  lateShare: 0.75,
} as const
