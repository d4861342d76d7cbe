/**
 * Whether calls may start. They may start while
 *
 * - the group of events is joined and not draining,
 * - membership of every group is proven within the session time-out,
 * - results are being acknowledged, and
 * - the egress proxy can be reached.
 *
 * While the group of the tiers drains, only first attempts may start. Before a group drains, lanes start no calls that take
 * long, and at last none of hooks whose call length is not known. Calls in flight always go on.
 */
import type { CallLength } from '../core/lane/call-length.ts'
import type { LineName } from '../core/lane/lane.ts'
import type { MonotonicMs } from '../core/model/model.ts'
import type { Emit, StopCause } from '../core/signal/signal.ts'
import type { Clock, GroupSource, HttpSender, RecordSink } from '../ports.ts'

export interface CallGateParts {
  readonly live: GroupSource
  readonly retry: GroupSource
  readonly sink: RecordSink
  readonly http: HttpSender
  readonly clock: Clock
  readonly emit: Emit
  readonly sessionTimeoutMs: number
  /** No call starts while this many records or more are not acknowledged. */
  readonly maxPending: number
}

export class CallGate {
  readonly #parts: CallGateParts
  /** Lines whose calls may not start, by the group that holds them. */
  readonly #held = new Map<string, readonly LineName[]>()
  /** Why calls may not start. `not-started` until they may start for the first time: no signal is emitted before that. */
  #cause: StopCause | 'not-started' | undefined = 'not-started'
  /** The groups that drain soon, and the lines that get their records. */
  readonly #preparing = new Map<string, readonly LineName[]>()
  /** The groups that drain as soon as calls in flight of unknown length have had their time. */
  readonly #unknownHeldBy = new Set<string>()
  #isLongOver = false
  #isStopped = false

  constructor(parts: CallGateParts) {
    this.#parts = parts
  }

  /** What {@link check} returned last; false from {@link stop} on. */
  get isOpen(): boolean {
    return this.#cause === undefined
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Whether calls that take long may not start. */
  get isLongHeld(): boolean {
    return this.#isLongOver || this.#preparing.size > 0
  }

  /** Whether calls that take long do not start any more, since they are held for good. */
  get isLongOver(): boolean {
    return this.#isLongOver
  }

  /** Whether calls that take so long may not start. */
  isLengthHeld(length: CallLength): boolean {
    if (length === 'unknown') return this.#unknownHeldBy.size > 0
    return length === 'long' && this.isLongHeld
  }

  /** Whether partitions whose records are of this line are handed over soon. */
  isHandingOver(line: LineName): boolean {
    if (this.#isLongOver) return true
    // It is asked for each delivery, and mostly none is.
    if (this.#preparing.size === 0) return false
    for (const lines of this.#preparing.values()) if (lines.includes(line)) return true
    return false
  }

  /** Whether no other member can own a partition of this process. */
  get isProven(): boolean {
    const now = this.#parts.clock.monotonic()
    return this.#isProven(this.#parts.live, now) && this.#isProven(this.#parts.retry, now)
  }

  /**
   * Checks whether first attempts may start now, and emits a signal if that has changed. Late calls may also be held
   * separately: {@link isHeld}.
   */
  check(): boolean {
    const cause = this.#stopCause()
    if (cause !== this.#cause) this.#change(cause)
    return cause === undefined
  }

  isHeld(line: LineName): boolean {
    for (const lines of this.#held.values()) if (lines.includes(line)) return true
    return false
  }

  /** Starts no call of these lines, which get the group's records, until the group is released. */
  hold(group: string, lines: readonly LineName[]): void {
    this.#held.set(group, lines)
  }

  release(group: string): void {
    this.#held.delete(group)
    this.#preparing.delete(group)
    this.#unknownHeldBy.delete(group)
  }

  /** Starts no call that takes long, for good. */
  holdLong(): void {
    this.#isLongOver = true
  }

  /**
   * The group drains soon. Until it is released, no call starts that takes long.
   *
   * @param lines those that get the group's records
   */
  prepare(group: string, lines: readonly LineName[]): void {
    this.#preparing.set(group, lines)
  }

  /** No call starts either of a hook whose call length is not known, for as long as those that take long are held. */
  holdUnknown(group: string): void {
    this.#unknownHeldBy.add(group)
  }

  /** No call starts from now on. */
  stop(): void {
    this.#isStopped = true
    this.check()
  }

  #stopCause(): StopCause | undefined {
    const { sink, http, maxPending } = this.#parts
    if (this.#isStopped) return 'stopping'
    if (this.isHeld('first')) return 'rebalance'
    if (!this.isProven) return 'membership-unproven'
    if (sink.pendingCount() >= maxPending) return 'results-pending'
    return http.trouble() === undefined ? undefined : 'proxy-away'
  }

  #isProven(source: GroupSource, now: MonotonicMs): boolean {
    const provenAt = source.provenAt()
    return provenAt !== undefined && now - provenAt < this.#parts.sessionTimeoutMs
  }

  #change(cause: StopCause | undefined): void {
    const isFirst = this.#cause === 'not-started'
    if (isFirst && cause !== undefined) return
    this.#cause = cause
    if (isFirst) return
    this.#parts.emit(
      cause === undefined ? { kind: 'calls.resumed' } : { kind: 'calls.stopped', cause },
    )
  }
}
