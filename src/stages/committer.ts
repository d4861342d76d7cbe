/**
 * Commits of one group (docs/architecture.md, Offsets). While something is new, one commit follows another. Each has only
 * the partitions that changed. Two commits are an interval apart, but a process that does much commits earlier: what is
 * complete and not committed is repeated after a crash, so its number is bounded. Their metadata never exceeds 2 MiB/s.
 */
import { encodeCompletedRuns } from '../core/offsets/completed-runs.ts'
import type { MonotonicMs } from '../core/model/model.ts'
import type { Emit } from '../core/signal/signal.ts'
import type { Clock, CommitEntry, CommitOutcome, GroupSource } from '../ports.ts'
import type { PartitionFlow } from './partition-flow.ts'

const maxBytesPerMs = (2 * 1024 * 1024) / 1_000
/** The approximate size of a commit entry without its metadata. */
const entryOverheadBytes = 64
/** So many runs of complete records do not wait for the interval to end. */
const maxUncommitted = 200
/** How long to wait after a commit that was not acknowledged. */
const retryMs = 500

export interface CommitterParts {
  readonly name: string
  readonly source: Pick<GroupSource, 'commit'>
  readonly clock: Clock
  /** The time between two commits while few records are complete. */
  readonly commitIntervalMs: number
  readonly flows: () => Iterable<CommittedFlow>
  readonly emit: Emit
}

type CommittedFlow = Pick<PartitionFlow, 'topic' | 'partition' | 'ledger'>

interface Planned {
  readonly at: MonotonicMs
  readonly cancel: () => void
}

export class Committer {
  readonly #parts: CommitterParts
  #running: Promise<void> | undefined
  #planned: Planned | undefined
  /** When the interval since the last commit is over. */
  #nextAt: MonotonicMs = 0
  /** No commit is made before, however many records are complete. */
  #notBefore: MonotonicMs = 0
  #isStopped = false
  #lastOutcome: CommitOutcome | undefined

  constructor(parts: CommitterParts) {
    this.#parts = parts
  }

  /** Plans a commit, unless one is running or is planned as early. Called when something may be new. */
  commitSoon(): void {
    if (this.#running !== undefined || this.#isStopped) return
    const { clock } = this.#parts
    const now = clock.monotonic()
    const earliest = this.#isFull() ? this.#notBefore : Math.max(this.#notBefore, this.#nextAt)
    const at = Math.max(now, earliest)
    if (this.#planned !== undefined && this.#planned.at <= at) return
    this.#planned?.cancel()
    const cancel = clock.after(at - now, () => {
      this.#planned = undefined
      void this.commitNow()
    })
    this.#planned = { at, cancel }
  }

  /** Commits everything that is new now, after a commit that is running. Never rejects. */
  async commitNow(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    this.#planned?.cancel()
    this.#planned = undefined
    const changed = this.#changedFlows()
    if (changed.length === 0 || this.#isStopped) return
    this.#running = this.#commit(changed)
    await this.#running
    if (this.#changedFlows().length > 0) this.commitSoon()
  }

  /** Commits everything that is new. Within the budget it tries again while the broker is unavailable. */
  async commitLast(budgetMs: number): Promise<void> {
    const { clock } = this.#parts
    const deadline = clock.monotonic() + budgetMs
    await this.commitNow()
    while (this.#lastOutcome === 'unavailable' && clock.monotonic() < deadline) {
      await new Promise<void>((resolve) => clock.after(retryMs, resolve))
      await this.commitNow()
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#planned?.cancel()
    this.#planned = undefined
  }

  #changedFlows(): readonly CommittedFlow[] {
    return Array.from(this.#parts.flows()).filter(({ ledger }) => ledger.uncommitted > 0)
  }

  /** Whether a crash would repeat as many runs as it may. */
  #isFull(): boolean {
    let count = 0
    for (const { ledger } of this.#parts.flows()) {
      count += ledger.uncommitted
      if (count >= maxUncommitted) return true
    }
    return false
  }

  async #commit(flows: readonly CommittedFlow[]): Promise<void> {
    const { clock, source, name, emit, commitIntervalMs } = this.#parts
    const positions = flows.map((flow) => ({ flow, position: flow.ledger.position() }))
    const entries = positions.map(({ flow: { topic, partition }, position }): CommitEntry => {
      const { offset, completed } = position
      const metadata = encodeCompletedRuns({ group: name, topic, partition, offset }, completed)
      return { topic, partition, offset, metadata }
    })
    const startedAt = clock.monotonic()
    const outcome = await source.commit(entries)
    this.#lastOutcome = outcome
    const now = clock.monotonic()
    if (outcome === 'committed') {
      for (const { flow, position } of positions) flow.ledger.committed(position.changes)
      const latencyMs = now - startedAt
      emit({ kind: 'commit.acknowledged', group: name, partitions: entries.length, latencyMs })
    } else {
      emit({ kind: 'commit.failed', group: name, outcome })
    }
    let bytes = 0
    for (const { metadata } of entries) bytes += metadata.length + entryOverheadBytes
    this.#nextAt = startedAt + commitIntervalMs
    this.#notBefore = now + Math.max(outcome === 'committed' ? 0 : retryMs, bytes / maxBytesPerMs)
    this.#running = undefined
  }
}
