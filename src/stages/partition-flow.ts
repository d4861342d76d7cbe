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
import type { EpochMs, InboundRecord } from '../core/model/model.ts'
import { headerBytes } from '../core/event/packed-headers.ts'
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

export class PartitionFlow {
  readonly epoch: Epoch
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
  readonly #backlog = new Fifo<InboundRecord>()
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

  constructor(epoch: Epoch, assigned: AssignedPartition, limits: FlowLimits) {
    this.epoch = epoch
    const { committedOffset: offset = 0, committedMetadata } = assigned
    const runs = decodeCompletedRuns({ ...epoch, offset }, committedMetadata)
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
    return this.#backlog.peek()
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
      this.#backlog.push(record)
      this.#backlogBytes += bytesOf(record)
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
   * Admits the head if it may be, and hands it on.
   *
   * @param open decides what the record causes
   * @param planFor what is to become of that; `undefined` while process or lanes have no room
   */
  admitNext<Plan>(
    open: (record: InboundRecord) => Opened,
    planFor: (opened: Caused) => Plan | undefined,
    handOn: (record: InboundRecord, plan: Plan) => void,
  ): Waiting | { readonly kind: 'admitted' } {
    const record = this.#backlog.peek()
    if (record === undefined) {
      this.ledger.skipTo(this.#readNext)
      return { kind: 'nothing' }
    }
    if (this.ledger.isKnown(record.offset)) {
      this.ledger.admit(record.offset)
      this.#takeHead(record)
      return { kind: 'admitted' }
    }
    if (!this.#hasOwnRoom(bytesOf(record))) return { kind: 'room' }
    const opened = this.#head ?? open(record)
    if (opened.kind === 'later' || opened.kind === 'schema') return opened
    this.#head = opened
    const plan = planFor(opened)
    if (plan === undefined) return { kind: 'room' }
    this.ledger.admit(record.offset)
    this.#takeHead(record)
    handOn(record, plan)
    return { kind: 'admitted' }
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

  complete(origin: Origin): void {
    this.origins.delete(origin)
    this.held.release(origin.tenantId, 1, origin.bytes)
    this.ledger.complete(origin.offset)
  }

  #takeHead(record: InboundRecord): void {
    this.#backlog.shift()
    this.#backlogBytes -= bytesOf(record)
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
export function bytesOf({ value, key, headers }: InboundRecord): number {
  return (value?.length ?? 0) + (key?.length ?? 0) + headerBytes(headers) + 512
}
