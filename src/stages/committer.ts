/**
 * Commits of one group (docs/architecture.md, Offsets). While something is new, one commit follows another. Each has only
 * the partitions that changed. Two commits are at least an interval apart, and more if their metadata would otherwise exceed
 * 2 MiB/s.
 */
import { encodeCompletedRuns } from '../core/offsets/completed-runs.ts'
import type { Emit } from '../core/signal/signal.ts'
import type { Clock, CommitEntry, CommitOutcome, GroupSource } from '../ports.ts'
import type { PartitionFlow } from './partition-flow.ts'

const maxBytesPerMs = (2 * 1024 * 1024) / 1_000
/** The approximate size of a commit entry without its metadata. */
const entryOverheadBytes = 64
/** How long to wait after a commit that was not acknowledged. */
const retryMs = 500

export interface CommitterParts {
  readonly name: string
  readonly source: GroupSource
  readonly clock: Clock
  readonly commitIntervalMs: number
  readonly flows: () => Iterable<PartitionFlow>
  readonly emit: Emit
}

export class Committer {
  readonly #parts: CommitterParts
  #running: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #notBefore = 0
  #isStopped = false
  #lastOutcome: CommitOutcome | undefined

  constructor(parts: CommitterParts) {
    this.#parts = parts
  }

  /** Plans a commit after the interval, unless one is planned or running. Called when something may be new. */
  commitSoon(): void {
    if (this.#cancelTimer !== undefined || this.#running !== undefined || this.#isStopped) return
    const { clock } = this.#parts
    const delayMs = Math.max(0, this.#notBefore - clock.monotonic())
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      void this.commitNow()
    })
  }

  /** Commits everything that is new now, after a commit that is running. Never rejects. */
  async commitNow(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
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
    this.#cancelTimer?.()
  }

  #changedFlows(): readonly PartitionFlow[] {
    return Array.from(this.#parts.flows()).filter((flow) => flow.ledger.hasChanged)
  }

  async #commit(flows: readonly PartitionFlow[]): Promise<void> {
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
    const pauseMs = outcome === 'committed' ? commitIntervalMs : retryMs
    this.#notBefore = now + Math.max(pauseMs, bytes / maxBytesPerMs)
    this.#running = undefined
  }
}
