/**
 * One partition in one epoch: its backlog, and its records that were admitted and are not complete.
 *
 * A record is *fetched* into the backlog, then *admitted* when there is room for everything it causes, then *complete*. The
 * head of the backlog waits for one of these: its time (`later`), its schema, room in a lane, or room in the partition or
 * the process. No record is ever dropped for lack of room: when the backlog reaches its limit, the source is paused.
 */
import { decodeCompletedRuns } from '../core/offsets/completed-runs.ts'
import { Fifo } from '../core/collections/fifo.ts'
import { Ledger } from '../core/offsets/ledger.ts'
import type { EpochMs, HookId, InboundRecord } from '../core/model/model.ts'
import { packedBytes } from '../core/event/packed-headers.ts'
import type { LineName } from '../core/lane/lane.ts'
import { Holdings } from '../core/lane/share.ts'
import type { AssignedPartition, Fetched } from '../ports.ts'
import type { Caused, Opened } from './expand.ts'
import type { Epoch, Origin } from './work.ts'

export interface FlowLimits {
  /** The most incomplete offsets of one partition. It bounds the commit's metadata. */
  readonly maxIncomplete: number
  /** The most bytes of admitted records of one partition. */
  readonly maxBytes: number
  /** The source is paused above this many fetched bytes, and resumed below half of it. */
  readonly backlogBytes: number
}

/** Why the head of the backlog was not admitted. */
export type Waiting =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'later'; readonly at: EpochMs }
  | { readonly kind: 'schema' }
  | { readonly kind: 'room' }

/** A record in the backlog. */
interface Fetch {
  readonly record: InboundRecord
  readonly bytes: number
}

/** How the head was taken from the backlog. */
export type Taken<Plan> =
  /** It was complete before. */
  | { readonly kind: 'known' }
  | {
      readonly kind: 'taken'
      readonly record: InboundRecord
      readonly bytes: number
      readonly plan: Plan
    }

export class PartitionFlow implements Epoch {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly line: LineName
  readonly ledger: Ledger
  /**
   * Whether the metadata of the last commit is not valid. Then records that were complete above its offset are handled
   * again.
   */
  readonly hasForeignMetadata: boolean
  /** How many offsets are admitted and not complete, and their bytes. */
  readonly held: Holdings
  /** The admitted records that are not complete. */
  readonly origins = new Set<Origin>()

  readonly #limits: FlowLimits
  readonly #backlog = new Fifo<Fetch>()
  #backlogBytes = 0
  #isLive = true
  /** Whether the source is to fetch nothing. */
  #isPaused = false
  /** Cancels the timer for a head that is not due yet. */
  #cancelTimer: (() => void) | undefined
  /** The next offset to read. After a rejoin, kept partitions are read again from the committed offset, which is lower. */
  #readNext = 0
  #hasRead = false
  /** The newest known end of the partition. */
  #end = 0
  /** The number of records admitted in this epoch. */
  #admitted = 0
  /** The opened head. It is kept, so that a record that waits is not decoded again. */
  #head: Caused | undefined

  /** @param owner the group that owns the partition, and the line that gets the partition's records */
  constructor(
    { group, line }: Pick<Epoch, 'group' | 'line'>,
    assigned: AssignedPartition,
    limits: FlowLimits,
  ) {
    const { topic, partition, committedOffset: offset = 0, committedMetadata } = assigned
    this.group = group
    this.topic = topic
    this.partition = partition
    this.line = line
    const runs = decodeCompletedRuns({ group, topic, partition, offset }, committedMetadata)
    this.hasForeignMetadata = runs.kind === 'foreign'
    this.ledger = new Ledger(offset, runs.kind === 'foreign' ? [] : runs.ranges)
    this.#limits = limits
    this.held = new Holdings({ count: limits.maxIncomplete, bytes: limits.maxBytes })
  }

  get isLive(): boolean {
    return this.#isLive
  }

  get backlogBytes(): number {
    return this.#backlogBytes
  }

  get backlogCount(): number {
    return this.#backlog.size
  }

  /** The oldest record in the backlog. */
  get head(): InboundRecord | undefined {
    return this.#backlog.peek()?.record
  }

  /** The number of offsets that are not complete, up to the partition's end. */
  get lag(): number {
    return this.ledger.openBelow(this.#end)
  }

  /** Adds fetched records. Returns whether reading advanced, so that there may be a record to admit. */
  receive({ records, next, end }: Fetched): boolean {
    this.noteEnd(end)
    if (!this.#hasRead) this.ledger.clipTo(end)
    this.#hasRead = true
    if (next <= this.#readNext) return false
    for (const record of records) {
      if (record.offset < this.#readNext) continue
      const bytes = bytesOf(record)
      this.#backlog.push({ record, bytes })
      this.#backlogBytes += bytes
    }
    this.#readNext = next
    return true
  }

  /** Notes the partition's end. A lower end is ignored: it comes from an older answer that arrived late. */
  noteEnd(end: number): void {
    this.#end = Math.max(this.#end, end)
  }

  /** Ends the epoch, for good. */
  end(): void {
    this.#isLive = false
    this.stopTimer()
  }

  /** Pauses or resumes by the size of the backlog. Returns what the source must do; `undefined` when nothing. */
  relieve(): 'pause' | 'resume' | undefined {
    const { backlogBytes: limit } = this.#limits
    if (!this.#isPaused) return this.#backlogBytes > limit && this.pause() ? 'pause' : undefined
    if (this.#backlogBytes * 2 >= limit) return undefined
    this.#isPaused = false
    return 'resume'
  }

  /** Pauses. Returns whether that is new, so that the source must pause too. */
  pause(): boolean {
    const isNew = !this.#isPaused
    this.#isPaused = true
    return isNew
  }

  /**
   * The head is due later, and a timer has been started for that time.
   *
   * @param cancel cancels the timer
   */
  timerStarted(cancel: () => void): void {
    this.stopTimer()
    this.#cancelTimer = cancel
  }

  /** Stops the timer for the head, if there is one. */
  stopTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  /**
   * Takes the head if there is room for everything that it causes.
   *
   * @param open decides what the record causes
   * @param planFor the plan for that; `undefined` while the process or the lanes have no room
   */
  admitNext<Plan>(
    open: (record: InboundRecord) => Opened,
    planFor: (opened: Caused) => Plan | undefined,
  ): Waiting | Taken<Plan> {
    const head = this.#backlog.peek()
    if (head === undefined) {
      this.ledger.skipTo(this.#readNext)
      return { kind: 'nothing' }
    }
    const { record, bytes } = head
    if (this.ledger.isKnown(record.offset)) {
      this.#take(head)
      return { kind: 'known' }
    }
    if (!this.#hasOwnRoom(bytes)) return { kind: 'room' }
    const opened = this.#head ?? open(record)
    if (opened.kind === 'later' || opened.kind === 'schema') return opened
    this.#head = opened
    const plan = planFor(opened)
    if (plan === undefined) return { kind: 'room' }
    this.#take(head)
    return { kind: 'taken', record, bytes, plan }
  }

  /**
   * Whether a former owner may have started runs of the next record, which the commit does not show. An owner has at most
   * `maxIncomplete` incomplete offsets, so later records are not inherited.
   */
  get isInherited(): boolean {
    return this.#admitted < this.#limits.maxIncomplete
  }

  admitted(origin: Origin): void {
    this.#admitted += 1
    this.origins.add(origin)
    this.held.hold(origin, 1, origin.bytes)
  }

  releaseFor(hookId: HookId, { bytes }: Origin): void {
    this.held.releaseFor(hookId, 1, bytes)
  }

  complete(origin: Origin): void {
    this.origins.delete(origin)
    this.held.release(origin, 1, origin.bytes)
    this.ledger.complete(origin.offset, origin.caused)
  }

  #take({ record, bytes }: Fetch): void {
    this.ledger.admit(record.offset)
    this.#backlog.shift()
    this.#backlogBytes -= bytes
    this.#head = undefined
  }

  /** A record that is larger than the bound is admitted when nothing else is. */
  #hasOwnRoom(bytes: number): boolean {
    if (this.ledger.incompleteCount === 0) return true
    return (
      this.ledger.incompleteCount < this.#limits.maxIncomplete &&
      this.held.total.bytes + bytes <= this.#limits.maxBytes
    )
  }
}

/** The memory that a record counts for: its content and an estimate of the overhead. */
function bytesOf({ value, key, headers }: InboundRecord): number {
  return (value?.length ?? 0) + (key?.length ?? 0) + packedBytes(headers) + 512
}
