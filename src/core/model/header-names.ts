/**
 * Headers that hooktide gives to the records it writes (docs/results.md). Numbers and times, in epoch milliseconds, are
 * decimal text. Part of the package's public types.
 */

/** On tier records, request records and dead letters: the run that they carry. */
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
  /** `1` on tests whose call is made whatever the state of the endpoint. */
  forced: 'hooktide-forced',
  firstHandledAt: 'hooktide-first-handled-at',
  dueAt: 'hooktide-due-at',
  earlyMs: 'hooktide-early-ms',
  /** `<topic>/<partition>/<offset>`. Names of topics have no slash. */
  source: 'hooktide-source',
  /** The key of that record, if it is text. */
  sourceKey: 'hooktide-source-key',
  /** `1` on request records that continue a run (split records). They have all headers of tier records. */
  split: 'hooktide-split',
} as const

/** Also on dead letters: why the run ended, the status of the last answer if there was one, and when the run ended. */
export const deathHeaderNames = {
  reason: 'hooktide-reason',
  status: 'hooktide-status',
  diedAt: 'hooktide-died-at',
} as const

/** On rejected records: the reason, the field or header that is wrong if there is one, and the record's place. */
export const rejectionHeaderNames = {
  reason: 'hooktide-reason',
  field: 'hooktide-field',
  source: 'hooktide-source',
} as const
