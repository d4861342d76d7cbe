/**
 * Notices (docs/notices.md): what happens to an endpoint is written as an event of its tenant, if a hook of the tenant is for
 * it. All processes read the same changes from the topic of endpoint health; the one that owns the first partition of the
 * event topic writes of them. Since that may pass to another process at any time, each keeps what it heard lately, and the
 * new owner writes it again, under the same id. What deliveries were lost is told by the process that gave them up.
 *
 * A hook that receives notices is never the subject of one. So no notice can cause another, through whatever hooks.
 */
import { noticeKeys, type NoticeKey } from '../core/event/event-keys.ts'
import { decodeHealth, type Health } from '../core/health/record.ts'
import type { HookTable } from '../core/hook/table.ts'
import { TooLargeError } from '../core/model/errors.ts'
import type {
  EpochMs,
  Hook,
  HookId,
  InboundRecord,
  OutboundRecord,
  RecordPlace,
  TenantId,
} from '../core/model/model.ts'
import { heard, type Account } from '../core/notice/account.ts'
import { NoticeBudget, noticeBounds } from '../core/notice/budget.ts'
import { Losses, type Loss } from '../core/notice/losses.ts'
import { endpointNotice, lossNotice } from '../core/notice/notice.ts'
import type { DeliveryRecorded, Emit } from '../core/signal/signal.ts'
import type { Clock, RecordSink } from '../ports.ts'
import { Timer } from './timer.ts'

export interface NoticesParts {
  /** An event topic of the processor. */
  readonly topic: string
  readonly table: Pick<HookTable, 'get' | 'isFor' | 'matching'>
  /** Whether this process owns the partition whose owner writes of endpoints. */
  readonly isOwner: () => boolean
  readonly sink: RecordSink
  readonly clock: Clock
  readonly emit: Emit
  /** A write failed for a reason that no later write mends. */
  readonly onFailed: (error: Error) => void
}

/** How often it is looked at what is to be written. */
const lookMs = 1_000
/** For so long a change is kept by who does not write of it. It bounds how long a partition may be without an owner. */
const keptMs = 2 * 60_000
/** Changes that are kept; of more the oldest are forgotten. */
const maxKept = 10_000
/** Notices that wait for Kafka's acknowledgement: those of a minute. The event topic may refuse them for longer. */
const maxPending = noticeBounds.total

interface Change {
  readonly key: NoticeKey
  readonly health: Health
  readonly place: RecordPlace
  /** When it was heard; of what was there before this process started, when it was written. */
  readonly heardAt: EpochMs
}

export class Notices {
  readonly #parts: NoticesParts
  readonly #accounts = new Map<HookId, Account>()
  readonly #losses = new Losses()
  readonly #budget = new NoticeBudget()
  readonly #look: Timer
  #changes: Change[] = []
  #pending = 0
  #isLoaded = false

  constructor(parts: NoticesParts) {
    this.#parts = parts
    this.#look = new Timer(parts.clock, () => this.#write())
  }

  /** Whether all that was written is acknowledged. */
  get isIdle(): boolean {
    return this.#pending === 0
  }

  /** A record of the topic of endpoint health was read. */
  apply(record: InboundRecord): void {
    const decoded = decodeHealth(record)
    if (decoded.kind === 'tombstone') this.#accounts.delete(decoded.hookId)
    if (decoded.kind !== 'health') return
    const { health } = decoded
    const { account, key } = heard(this.#accounts.get(health.hookId), health)
    this.#accounts.set(health.hookId, account)
    if (key === undefined) return
    const heardAt = this.#isLoaded ? this.#parts.clock.now() : health.at
    if (this.#isOld({ heardAt })) return
    const { topic, partition, offset } = record
    this.#changes.push({ key, health, place: { topic, partition, offset }, heardAt })
    if (this.#changes.length > maxKept) this.#changes.shift()
    this.#lookIn(0)
  }

  /** Both tables have been read. */
  loaded(): void {
    this.#isLoaded = true
    this.#lookIn(0)
  }

  recorded(signal: DeliveryRecorded): void {
    this.#losses.add(signal, this.#parts.clock.now())
    if (!this.#losses.isEmpty) this.#lookIn(lookMs)
  }

  /** Tells of the losses that are still being collected. */
  stop(): void {
    for (const loss of this.#losses.take(this.#parts.clock.now(), true)) this.#tellLoss(loss)
    this.#look.stop()
    this.#isLoaded = false
  }

  #lookIn(delayMs: number): void {
    if (this.#isLoaded) this.#look.fireIn(delayMs)
  }

  #write(): void {
    const { clock, isOwner } = this.#parts
    for (const loss of this.#losses.take(clock.now(), false)) this.#tellLoss(loss)
    if (this.#changes.length > 0) {
      const changes = this.#changes.filter((change) => !this.#isOld(change))
      this.#changes = isOwner() ? [] : changes
      if (isOwner()) for (const change of changes) this.#tellChange(change)
    }
    if (this.#changes.length > 0 || !this.#losses.isEmpty) this.#lookIn(lookMs)
  }

  #tellChange({ key, health, place }: Change): void {
    const hook = this.#subjectOf(health)
    if (hook === undefined) return
    const { topic } = this.#parts
    this.#tell(key, hook, () => endpointNotice(key, { health, place }, hook, topic))
  }

  #tellLoss(loss: Loss): void {
    const hook = this.#subjectOf(loss)
    if (hook === undefined) return
    this.#tell('Hooktide.Deliveries.Lost', hook, () => lossNotice(loss, hook, this.#parts.topic))
  }

  /** The hook, unless it is gone, has changed its tenant, or receives notices. */
  #subjectOf(about: { readonly hookId: HookId; readonly tenantId: TenantId }): Hook | undefined {
    const { table } = this.#parts
    const entry = table.get(about.hookId)
    if (entry?.kind !== 'active' || entry.hook.tenantId !== about.tenantId) return undefined
    const receives = noticeKeys.some((key) => table.isFor(about.hookId, key))
    return receives ? undefined : entry.hook
  }

  #tell(event: NoticeKey, { id, tenantId }: Hook, record: () => OutboundRecord): void {
    const { table, clock, emit } = this.#parts
    if (table.matching({ tenantId, event }).length === 0) return
    const cause =
      this.#pending >= maxPending ? 'unacknowledged' : this.#budget.refusal(tenantId, clock.now())
    if (cause === undefined) this.#send(record(), { event, hookId: id })
    else emit({ kind: 'notice.left-out', event, hookId: id, cause })
  }

  #send(record: OutboundRecord, about: { readonly event: string; readonly hookId: HookId }): void {
    const { sink, emit, onFailed } = this.#parts
    this.#pending += 1
    const ended = () => {
      this.#pending -= 1
    }
    sink.write([record]).then(
      () => {
        ended()
        emit({ kind: 'notice.written', ...about })
      },
      (error: Error) => {
        ended()
        if (!(error instanceof TooLargeError)) onFailed(error)
        else emit({ kind: 'notice.left-out', ...about, cause: 'too-large' })
      },
    )
  }

  #isOld({ heardAt }: Pick<Change, 'heardAt'>): boolean {
    return Math.abs(this.#parts.clock.now() - heardAt) > keptMs
  }
}
