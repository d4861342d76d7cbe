/** A `GroupListener` that keeps what it is told and lets a test wait for it. */
import type { InboundRecord } from '../../src/core/model/model.ts'
import type {
  AssignedPartition,
  Fetched,
  GroupListener,
  GroupSource,
  TopicPartition,
} from '../../src/ports.ts'

export interface RecordingListener extends GroupListener {
  /** Every call of `onAssigned`, oldest first, sorted by partition. */
  readonly assignments: readonly (readonly AssignedPartition[])[]
  readonly records: readonly InboundRecord[]
  readonly failures: readonly Error[]
  /** Where each partition ends and where reading of it goes on, as told last. */
  readonly ends: ReadonlyMap<number, number>
  readonly nexts: ReadonlyMap<number, number>
  /** What each call of `onRebalance` got. */
  readonly rebalances: readonly boolean[]
  /** What `onRebalance` waits for. */
  prepare: () => Promise<void>
  /** Calls of `beforeRejoin`. */
  readonly drains: number
  /** What `beforeRejoin` waits for. */
  drain: () => Promise<void>
  /** Resolves when `check` holds, looking again after each call. */
  until(check: () => boolean): Promise<void>
  /** The newest assignment as `partition` or `partition+` (kept). */
  owned(): readonly string[]
}

export function createListener(): RecordingListener {
  const waiting = new Set<() => void>()
  const assignments: (readonly AssignedPartition[])[] = []
  const records: InboundRecord[] = []
  const failures: Error[] = []
  const rebalances: boolean[] = []
  const ends = new Map<number, number>()
  const nexts = new Map<number, number>()
  const listener = {
    assignments,
    records,
    failures,
    ends,
    nexts,
    rebalances,
    prepare: () => Promise.resolve(),
    drains: 0,
    drain: () => Promise.resolve(),
    onAssigned(partitions: readonly AssignedPartition[]) {
      assignments.push(partitions.toSorted((one, other) => one.partition - other.partition))
      changed()
    },
    onFetched({ partition }: TopicPartition, fetched: Fetched) {
      records.push(...fetched.records)
      ends.set(partition, fetched.end)
      nexts.set(partition, fetched.next)
      changed()
    },
    onEnd({ partition }: TopicPartition, end: number) {
      ends.set(partition, end)
      changed()
    },
    onRebalance(mayLose: boolean) {
      rebalances.push(mayLose)
      changed()
      return listener.prepare()
    },
    beforeRejoin() {
      listener.drains += 1
      changed()
      return listener.drain()
    },
    onFailed(error: Error) {
      failures.push(error)
      changed()
    },
    until(check: () => boolean) {
      return new Promise<void>((resolve) => {
        const look = (): void => {
          if (!check()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
    },
    owned: () =>
      (assignments.at(-1) ?? []).map(({ partition, isKept }) => `${partition}${isKept ? '+' : ''}`),
  }
  function changed(): void {
    for (const look of [...waiting]) look()
  }
  return listener
}

/** Values of the records of one partition, in order of arrival. */
export function valuesOf(listener: RecordingListener, partition: number): readonly string[] {
  return listener.records
    .filter((record) => record.partition === partition)
    .map((record) => String(record.value))
}

/** A listener that is already listening. */
export async function started(source: GroupSource): Promise<RecordingListener> {
  const listener = createListener()
  await source.start(listener)
  return listener
}
