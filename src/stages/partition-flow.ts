/**
 * One partition in one epoch: what was fetched of it and waits, and what was admitted and is not complete.
 *
 * A record is *fetched* (in the backlog), then *admitted* when there is room for everything it causes, then *complete*.
 * The head of the backlog waits for one of: its time (`later`), its schema, room in a lane, or room in the partition or
 * process.
 * Pressure never drops: the backlog grows to its mark, then the source is paused.
 */
import { Fifo } from '../core/fifo.ts'
import { Ledger } from '../core/ledger.ts'
import type { EpochMs, HookId, InboundRecord, MonotonicMs } from '../core/model.ts'
import type { AssignedPartition, Fetched } from '../ports.ts'
import type { Caused, Opened } from './expand.ts'
import { Neighbours } from './neighbours.ts'
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
  isPaused = false
  /** Cancels the timer of a head that is not due yet. */
  cancelTimer: (() => void) | undefined
  /** What this partition has admitted and not completed. */
  bytes = 0
  deliveries = 0

  readonly #limits: FlowLimits
  readonly #backlog = new Fifo<InboundRecord>()
  #backlogBytes = 0
  /** Where reading goes on: a rejoin reads kept partitions again from the committed offset. */
  #readNext = 0
  /** The partition's end, as far as it was told. */
  #end = 0
  /** The head, opened once: a record that waits is not decoded again. */
  #head: Caused | undefined
  readonly #neighbours = new Neighbours()
  #lookedFor: Lookout | undefined

  constructor(epoch: Epoch, assigned: AssignedPartition, limits: FlowLimits) {
    this.epoch = epoch
    this.ledger = new Ledger(assigned.committedOffset ?? 0, assigned.committedMetadata)
    this.#limits = limits
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
   * @param hasRoom whether process and lanes have room for it
   */
  admitNext(
    open: (record: InboundRecord) => Opened,
    hasRoom: (opened: Caused) => boolean,
    handOn: (record: InboundRecord, opened: Caused) => void,
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
    if (!hasRoom(opened)) return { kind: 'room' }
    this.ledger.admit(record.offset)
    this.#takeHead(record)
    handOn(record, opened)
    return { kind: 'admitted' }
  }

  /** Deliveries of the hook were admitted. */
  noteHook(hookId: HookId, now: MonotonicMs): void {
    this.#neighbours.note(hookId, now)
  }

  /**
   * Whether the partition carried a delivery of another hook lately, or has one in what is fetched.
   *
   * @param hooksOf whose deliveries a record of the backlog would cause
   */
  carriesOthers(
    hookId: HookId,
    hooksOf: (record: InboundRecord) => readonly HookId[],
    now: MonotonicMs,
  ): boolean {
    if (this.#neighbours.has(hookId, now)) return true
    const known = this.#lookedFor?.hookId === hookId ? this.#lookedFor : undefined
    const headAt = this.head?.offset ?? this.#readNext
    if (known?.otherAt !== undefined && known.otherAt >= headAt) return true
    const isOther = (record: InboundRecord) =>
      record.offset >= (known?.next ?? 0) && hooksOf(record).some((other) => other !== hookId)
    const otherAt = firstOf(this.#backlog, isOther)?.offset
    this.#lookedFor = { hookId, otherAt, next: (otherAt ?? this.#readNext - 1) + 1 }
    return otherAt !== undefined
  }

  complete(origin: Origin): void {
    this.bytes -= origin.bytes
    this.deliveries -= origin.caused
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
      this.bytes + bytes <= this.#limits.maxBytes
    )
  }
}

/** How far a backlog was looked through for deliveries of other hooks than one. */
interface Lookout {
  readonly hookId: HookId
  /** The first record that has one. */
  readonly otherAt: number | undefined
  /** Where to look on. */
  readonly next: number
}

function firstOf<Item>(items: Iterable<Item>, isIt: (item: Item) => boolean): Item | undefined {
  for (const item of items) if (isIt(item)) return item
  return undefined
}

/** Memory a record is counted with: what it holds, and about what holding it costs. */
export function bytesOf({ value, key, headers }: InboundRecord): number {
  let bytes = (value?.length ?? 0) + (key?.length ?? 0) + 256
  for (const [name, content] of headers) bytes += name.length + content.length + 128
  return bytes
}
