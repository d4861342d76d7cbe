/**
 * Which deliveries a replay asks for (docs/operating.md, Send again). An event is matched with the hook table as it is now,
 * so a hook that is younger than the event gets it too. A dead letter joins again as a retry does: by hook id and tenant.
 * What a processor would only bury again is left out, and counted by why.
 */
import type { DecodedDeadLetter } from '../../core/run/delivery-headers.ts'
import { requestRecordHeaders } from '../../core/run/delivery-headers.ts'
import { deliveryIdOf } from '../../core/model/identity.ts'
import type { HookTable } from '../../core/hook/table.ts'
import type {
  AuthEvent,
  DeliveryId,
  HookId,
  OutboundRecord,
  RecordPlace,
  Run,
  TableEntry,
  TenantId,
  Trigger,
} from '../../core/model/model.ts'

/** A delivery that is to be made anew. */
export interface Requested {
  readonly deliveryId: DeliveryId
  readonly hookId: HookId
  readonly event: AuthEvent
}

/** What is asked for. `undefined` is any. */
export interface ReplaySelection {
  readonly hooks: ReadonlySet<HookId> | undefined
  readonly tenants: ReadonlySet<TenantId> | undefined
  readonly eventKeys: ReadonlySet<string> | undefined
  /** Of dead letters only. */
  readonly reasons: ReadonlySet<string> | undefined
}

/** Why a delivery that was asked for is not requested. */
export const leftOutReasons = {
  invalid: 'the record is no valid event',
  unreadable: 'the dead letter is not readable',
  'source-gone': 'the dead letter has no event, and where that came from there is none any more',
  'hook-deleted': 'the hook is deleted, or of another tenant',
  'hook-disabled': 'the hook is disabled',
  'hook-suspended': 'the hook is suspended: mend its record first',
  'endpoint-disabled': 'the endpoint is disabled: enable it first',
  'requested-before': 'a request for it was written since it died, and how that ended counts',
  'too-large': 'the topic of requests does not accept records as large as that',
} as const

export type LeftOut = keyof typeof leftOutReasons

/** What a record of the range leads to. */
export interface Planned {
  readonly requests: readonly Requested[]
  readonly leftOut: readonly LeftOut[]
}

export interface ReplayParts {
  readonly table: HookTable
  readonly selection: ReplaySelection
  readonly isDisabled: (hookId: HookId) => boolean
  /** Which of the entries that an event is for let it through. */
  readonly admit: (entries: readonly TableEntry[], event: AuthEvent) => readonly TableEntry[]
}

const nothing: Planned = { requests: [], leftOut: [] }

/** The requests for an event: one for each hook that it is for now. */
export function planEvent(event: AuthEvent, parts: ReplayParts): Planned {
  const { table, selection } = parts
  if (!isSelectedEvent(event, selection)) return nothing
  const requests: Requested[] = []
  const leftOut: LeftOut[] = []
  for (const { hook } of parts.admit(table.matching(event), event)) {
    if (selection.hooks?.has(hook.id) === false) continue
    const { tenantId, eventSource, eventId } = event
    const deliveryId = deliveryIdOf(tenantId, eventSource, eventId, hook.id)
    const why = hindrance({ hookId: hook.id, event }, parts)
    if (why === undefined) requests.push({ deliveryId, hookId: hook.id, event })
    else leftOut.push(why)
  }
  return { requests, leftOut: [...leftOut, ...disabledOnes(event, parts)] }
}

/** The table matches no disabled hook. Who named one is told that it is why the event does not reach it. */
function disabledOnes(event: AuthEvent, { table, selection }: ReplayParts): readonly LeftOut[] {
  return [...(selection.hooks ?? [])].flatMap((id) => {
    const hook = table.get(id)?.hook
    if (hook?.enabled !== false || hook.tenantId !== event.tenantId) return []
    return table.isFor(id, event.event) ? ['hook-disabled'] : []
  })
}

/** The request for a dead letter, once its event is at hand. */
export function planRun(
  { deliveryId, hookId, event }: Pick<Run, 'deliveryId' | 'hookId' | 'event'>,
  parts: ReplayParts,
): Planned {
  if (!isSelectedEvent(event, parts.selection)) return nothing
  const why = hindrance({ hookId, event }, parts)
  if (why !== undefined) return { requests: [], leftOut: [why] }
  return { requests: [{ deliveryId, hookId, event }], leftOut: [] }
}

/** Whether a letter is asked for, as far as its headers tell. */
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

/** Why a processor would make no call; see `rejoin` in verdict.ts. */
function hindrance(
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

/** The record that asks a processor for a delivery. Its run will be named by where it stands. */
export function requestRecord(
  topic: string,
  { deliveryId, hookId, event }: Requested,
  trigger: Exclude<Trigger, 'event'>,
): OutboundRecord {
  const headers = requestRecordHeaders({ deliveryId, hookId, trigger, event })
  return { topic, key: deliveryId, value: event.body, headers }
}

/**
 * Which deliveries were requested, by where the newest request stands. A dead letter of another run is of an earlier one:
 * what became of the newest counts, and if that died too it has a letter of its own. So a replay of failures that is
 * begun anew sends nothing twice, without any clock being asked.
 */
export class NewestRequests {
  readonly #topicPart: string
  /** `<partition>-<offset>`, as a former version named runs of requests: short, since there may be many. */
  readonly #places = new Map<DeliveryId, string>()

  /** @param topic that of requests */
  constructor(topic: string) {
    this.#topicPart = `${topic}/`
  }

  /** Requests of one partition are added in their order. */
  add(deliveryId: DeliveryId, { partition, offset }: Omit<RecordPlace, 'topic'>): void {
    this.#places.set(deliveryId, `${partition}-${offset}`)
  }

  /** It will be requested: no run that there is now is of that request. */
  addPlanned(deliveryId: DeliveryId): void {
    this.#places.set(deliveryId, '')
  }

  isOutdated({ deliveryId, run }: Pick<Run, 'deliveryId' | 'run'>): boolean {
    const newest = this.#places.get(deliveryId)
    return newest !== undefined && newest !== this.#shortNameOf(run)
  }

  /** Of the run of a request, whichever version named it; any other name as it is, which is no request's. */
  #shortNameOf(run: string): string {
    return run.startsWith(this.#topicPart)
      ? run.slice(this.#topicPart.length).replace('/', '-')
      : run
  }
}
