/**
 * One partition in one epoch: what was fetched of it and waits, and what was admitted and is not complete.
 *
 * A record is *fetched* (in the backlog), then *admitted* when there is room for everything it causes, then *complete*.
 * The head of the backlog waits for one of: its time (`later`), its schema, room in a lane, or room in the partition or
 * process.
 * Pressure never drops: the backlog grows to its mark, then the source is paused.
 */
import { decodeCompletedRuns } from '../core/offsets/completed-runs.ts'
import { Fifo } from '../core/collections/fifo.ts'
import { Ledger } from '../core/offsets/ledger.ts'
import type { EpochMs, HookId, InboundRecord } from '../core/model/model.ts'
import { headerBytes } from '../core/event/packed-headers.ts'
import type { LineName } from '../core/lane/lane.ts'
import { Holdings } from '../core/lane/share.ts'
import type { AssignedPartition, Fetched } from '../ports.ts'
import type { Caused, Opened } from './expand.ts'
import type { Epoch, Origin } from './work.ts'

export interface FlowLimits {
  /** Incomplete offsets of one partition; keeps the commit's metadata in its bounds. */
  readonly maxIncomplete: number
  /** Bytes of admitted records of one partition. */
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

/** The head was taken from the backlog. */
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
  isLive = true
  readonly ledger: Ledger
  /** The commit that it goes on from has metadata that is not believed: what was complete above it is handled again. */
  readonly hasForeignMetadata: boolean
  isPaused = false
  /** Cancels the timer of a head that is not due yet. */
  cancelTimer: (() => void) | undefined
  /** Offsets admitted and not complete, and their bytes. */
  readonly held: Holdings
  /** The records of these. */
  readonly origins = new Set<Origin>()

  readonly #limits: FlowLimits
  readonly #backlog = new Fifo<Fetch>()
  #backlogBytes = 0
  /** Where reading goes on: a rejoin reads kept partitions again from the committed offset. */
  #readNext = 0
  #hasRead = false
  /** The partition's end, as far as it was told. */
  #end = 0
  /** Records admitted in this epoch. */
  #admitted = 0
  /** The head, opened once: a record that waits is not decoded again. */
  #head: Caused | undefined

  /** @param owner the group that was given the partition, and what the partition's records come to in it */
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

  get backlogBytes(): number {
    return this.#backlogBytes
  }

  get backlogCount(): number {
    return this.#backlog.size
  }

  /** The oldest record that was fetched and waits. */
  get head(): InboundRecord | undefined {
    return this.#backlog.peek()?.record
  }

  /** Offsets that are not complete, up to the partition's end. */
  get lag(): number {
    return this.ledger.openBelow(this.#end)
  }

  /** Whether reading went on: then there may be something to admit. */
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

  /** The newest word that is not behind an older one: answers of two brokers can cross. */
  noteEnd(end: number): void {
    this.#end = Math.max(this.#end, end)
  }

  /** What to tell the source after the backlog changed; `undefined` when it may stay as it is. */
  pressure(): 'pause' | 'resume' | undefined {
    if (!this.isPaused) return this.#backlogBytes > this.#limits.backlogBytes ? 'pause' : undefined
    return this.#backlogBytes * 2 < this.#limits.backlogBytes ? 'resume' : undefined
  }

  /**
   * Admits the head if there is room for all that it causes.
   *
   * @param open decides what the record causes
   * @param planFor what is to become of that; `undefined` while process or lanes have no room
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
   * Whether the next record may have been begun by a former owner, which the commit does not show: no owner has more
   * incomplete offsets.
   */
  get isInherited(): boolean {
    return this.#admitted < this.#limits.maxIncomplete
  }

  admitted(origin: Origin): void {
    this.#admitted += 1
    this.origins.add(origin)
    this.held.hold(origin.tenantId, 1, origin.bytes)
  }

  releaseFor(hookId: HookId, { bytes }: Origin): void {
    this.held.releaseFor(hookId, 1, bytes)
  }

  complete(origin: Origin): void {
    this.origins.delete(origin)
    this.held.release(origin.tenantId, 1, origin.bytes)
    this.ledger.complete(origin.offset)
  }

  #take({ record, bytes }: Fetch): void {
    this.ledger.admit(record.offset)
    this.#backlog.shift()
    this.#backlogBytes -= bytes
    this.#head = undefined
  }

  /** A record larger than the bound still passes when nothing else is in flight. */
  #hasOwnRoom(bytes: number): boolean {
    if (this.ledger.incompleteCount === 0) return true
    return (
      this.ledger.incompleteCount < this.#limits.maxIncomplete &&
      this.held.total.bytes + bytes <= this.#limits.maxBytes
    )
  }
}

/** Memory a record is counted with: what it holds, and about what holding it costs. */
function bytesOf({ value, key, headers }: InboundRecord): number {
  return (value?.length ?? 0) + (key?.length ?? 0) + headerBytes(headers) + 512
}
