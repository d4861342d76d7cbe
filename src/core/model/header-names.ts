/**
 * Headers that hooktide gives to the records it writes (docs/results.md). Numbers and times, in epoch milliseconds, are
 * decimal text. Part of the package's public types.
 */

/** On tier and request records and on dead letters: what goes on. */
export const runHeaderNames = {
  deliveryId: 'hooktide-delivery-id',
  hookId: 'hooktide-hook-id',
  tenantId: 'hooktide-tenant-id',
  eventId: 'hooktide-event-id',
  eventSource: 'hooktide-event-source',
  /** `<topic>/<partition>/<offset>` of the record that began the run. */
  run: 'hooktide-run',
  /** Attempts made so far. */
  attempt: 'hooktide-attempt',
  hop: 'hooktide-hop',
  deferrals: 'hooktide-deferrals',
  trigger: 'hooktide-trigger',
  firstHandledAt: 'hooktide-first-handled-at',
  dueAt: 'hooktide-due-at',
  earlyMs: 'hooktide-early-ms',
  /** `<topic>/<partition>/<offset>`: no topic's name has a slash. */
  source: 'hooktide-source',
  /** `1`, on request records that continue a run. They have all that tier records have. */
  split: 'hooktide-split',
} as const

/** On dead letters besides: why the run ended, the status of the last answer if there was one, and when. */
export const deathHeaderNames = {
  reason: 'hooktide-reason',
  status: 'hooktide-status',
  diedAt: 'hooktide-died-at',
} as const

/** On rejected records: why, which field or header is wrong if one is, and where the record stands. */
export const rejectionHeaderNames = {
  reason: 'hooktide-reason',
  field: 'hooktide-field',
  source: 'hooktide-source',
} as const
