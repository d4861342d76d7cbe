/**
 * Decides which deliveries a replay requests (docs/operating.md, Send again). An event is matched with the hook table as it
 * is now, so a hook that is newer than the event gets it too. A dead letter is joined as a retry is: by hook id and tenant.
 * Deliveries that could not be called are left out, and counted by reason.
 */
import type { DecodedDeadLetter } from '../../core/run/delivery-headers.ts'
import { HeaderReader } from '../../core/event/record-headers.ts'
import {
  decodeRun,
  isSplit,
  placeOf,
  requestRecordHeaders,
} from '../../core/run/delivery-headers.ts'
import { runHeaderNames } from '../../core/model/header-names.ts'
import { deliveryIdOf } from '../../core/model/identity.ts'
import type { HookTable } from '../../core/hook/table.ts'
import type {
  AuthEvent,
  DeliveryId,
  HookId,
  InboundRecord,
  OutboundRecord,
  RecordPlace,
  Run,
  TableEntry,
  TenantId,
  Trigger,
} from '../../core/model/model.ts'

/** A delivery to request. */
export interface Requested {
  readonly deliveryId: DeliveryId
  readonly hookId: HookId
  readonly event: AuthEvent
}

/** Which deliveries to request. `undefined` means any. */
export interface ReplaySelection {
  readonly hooks: ReadonlySet<HookId> | undefined
  readonly tenants: ReadonlySet<TenantId> | undefined
  readonly eventKeys: ReadonlySet<string> | undefined
  /** For dead letters only. */
  readonly reasons: ReadonlySet<string> | undefined
}

/** Why a delivery is left out. */
export const leftOutReasons = {
  invalid: 'the record is not a valid event',
  unreadable: 'the dead letter cannot be read',
  'source-gone': 'the dead letter has no event, and its source no longer has it',
  'hook-deleted': 'the hook is deleted, or belongs to another tenant',
  'hook-disabled': 'the hook is disabled',
  'hook-suspended': 'the hook is suspended: fix its record first',
  'endpoint-disabled': 'the endpoint is disabled: enable it first',
  'requested-before': 'the delivery was requested again since this dead letter was written',
  'delivered-before': 'the delivery was delivered',
  'under-way': 'a run of the delivery has not ended',
  'not-handled-yet': 'the processors have not handled the event yet',
  'results-gone': 'results of its time are no longer kept, so it may have been delivered',
  'too-large': 'the record is too large for the requests topic',
} as const

export type LeftOut = keyof typeof leftOutReasons

/** What a record of the range leads to: requests, and deliveries that are left out. */
export interface Planned {
  readonly requests: readonly Requested[]
  readonly leftOut: readonly LeftOut[]
}

export interface ReplayParts {
  readonly table: HookTable
  readonly selection: ReplaySelection
  readonly isDisabled: (hookId: HookId) => boolean
  /** Of the entries that match an event, those whose filter lets it through. */
  readonly admit: (entries: readonly TableEntry[], event: AuthEvent) => readonly TableEntry[]
}

const nothing: Planned = { requests: [], leftOut: [] }

/** The requests for an event: one for each hook that it matches now. */
export function planEvent(event: AuthEvent, parts: ReplayParts): Planned {
  const { table, selection } = parts
  if (!isSelectedEvent(event, selection)) return nothing
  const requests: Requested[] = []
  const leftOut: LeftOut[] = []
  for (const { hook } of parts.admit(table.matching(event), event)) {
    if (selection.hooks?.has(hook.id) === false) continue
    const { tenantId, eventSource, eventId } = event
    const deliveryId = deliveryIdOf(tenantId, eventSource, eventId, hook.id)
    const why = whyLeftOut({ hookId: hook.id, event }, parts)
    if (why === undefined) requests.push({ deliveryId, hookId: hook.id, event })
    else leftOut.push(why)
  }
  return { requests, leftOut: [...leftOut, ...namedButDisabled(event, parts)] }
}

/** The table never matches a disabled hook. If `--hook` names one, it is counted as left out. */
function namedButDisabled(event: AuthEvent, { table, selection }: ReplayParts): readonly LeftOut[] {
  return [...(selection.hooks ?? [])].flatMap((id) => {
    const hook = table.get(id)?.hook
    if (hook?.enabled !== false || hook.tenantId !== event.tenantId) return []
    return table.isFor(id, event.event) ? ['hook-disabled'] : []
  })
}

/** The request for a dead letter whose event has been read. */
export function planRun(
  { deliveryId, hookId, event }: Pick<Run, 'deliveryId' | 'hookId' | 'event'>,
  parts: ReplayParts,
): Planned {
  if (!isSelectedEvent(event, parts.selection)) return nothing
  const why = whyLeftOut({ hookId, event }, parts)
  if (why !== undefined) return { requests: [], leftOut: [why] }
  return { requests: [{ deliveryId, hookId, event }], leftOut: [] }
}

/** Whether the headers of a dead letter match the selection. The event, which may have to be fetched, is checked later. */
export function isSelectedLetter(
  { reason, run }: Exclude<DecodedDeadLetter, { readonly kind: 'rejected' }>,
  { reasons, hooks }: ReplaySelection,
): boolean {
  return reasons?.has(reason) !== false && hooks?.has(run.hookId) !== false
}

function isSelectedEvent(
  { tenantId, event }: AuthEvent,
  { tenants, eventKeys }: ReplaySelection,
): boolean {
  return tenants?.has(tenantId) !== false && eventKeys?.has(event) !== false
}

/** Why a processor would make no call; `undefined` if it would. The rules are those of `rejoin` in rejoin.ts. */
function whyLeftOut(
  { hookId, event }: { readonly hookId: HookId; readonly event: AuthEvent },
  { table, isDisabled }: ReplayParts,
): LeftOut | undefined {
  const entry: TableEntry | undefined = table.get(hookId)
  if (entry === undefined) return 'hook-deleted'
  const { tenantId, enabled } = entry.hook
  if (tenantId !== undefined && tenantId !== event.tenantId) return 'hook-deleted'
  if (!enabled) return 'hook-disabled'
  if (entry.kind === 'suspended') return 'hook-suspended'
  return isDisabled(hookId) ? 'endpoint-disabled' : undefined
}

/**
 * The request record for a delivery. Its place in the topic will name the run.
 *
 * @param isForced of a test: whether its call is made whatever the state of the endpoint
 */
export function requestRecord(
  topic: string,
  { deliveryId, hookId, event }: Requested,
  trigger: Exclude<Trigger, 'event'>,
  isForced = false,
): OutboundRecord {
  const headers = requestRecordHeaders({ deliveryId, hookId, trigger, isForced, event })
  return { topic, key: deliveryId, value: event.body, headers }
}

/**
 * The newest request of each delivery. A dead letter of any other run is outdated: the newest run counts, and if it failed
 * too, it has a dead letter of its own. So the same replay of failures can be started again and sends nothing twice. No clock
 * is needed for that.
 */
export class NewestRequests {
  readonly #topicPart: string
  /** `<partition>-<offset>`: short, since there may be many. Former versions named runs like this. */
  readonly #places = new Map<DeliveryId, string>()

  /** @param topic the requests topic */
  constructor(topic: string) {
    this.#topicPart = `${topic}/`
  }

  /** Requests of a partition must be added in their order. */
  add(deliveryId: DeliveryId, { partition, offset }: Omit<RecordPlace, 'topic'>): void {
    this.#places.set(deliveryId, `${partition}-${offset}`)
  }

  /** The delivery is requested by this replay: every dead letter of it that follows is outdated. */
  addPlanned(deliveryId: DeliveryId): void {
    this.#places.set(deliveryId, '')
  }

  isOutdated({ deliveryId, run }: Pick<Run, 'deliveryId' | 'run'>): boolean {
    const newest = this.#places.get(deliveryId)
    return newest !== undefined && newest !== this.#shortNameOf(run)
  }

  /** The name of a request's run in the short form, whichever version named it. The name of any other run is unchanged. */
  #shortNameOf(run: string): string {
    return run.startsWith(this.#topicPart)
      ? run.slice(this.#topicPart.length).replace('/', '-')
      : run
  }
}

/** The delivery of a request; `undefined` for a split record. A request that somebody wrote by hand may lack the header. */
export function requestedDeliveryOf(record: InboundRecord): string | undefined {
  if (isSplit(record)) return undefined
  const named = new HeaderReader(record.headers).text(runHeaderNames.deliveryId, 64)
  if (named !== undefined) return named
  const decoded = decodeRun(record, 'request')
  return decoded.kind === 'run' ? decoded.run.deliveryId : undefined
}

/** The run that a record of the requests topic begins, or goes on with; `undefined` for one that names no delivery. */
export function openedRunOf(
  record: InboundRecord,
): { readonly deliveryId: DeliveryId; readonly run: string } | undefined {
  if (!isSplit(record)) {
    const deliveryId = requestedDeliveryOf(record)
    return deliveryId === undefined ? undefined : { deliveryId, run: placeOf(record) }
  }
  const decoded = decodeRun(record, 'request')
  return decoded.kind === 'run' ? decoded.run : undefined
}
