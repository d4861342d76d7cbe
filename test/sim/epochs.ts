/** Keeps what each process owns, and which acknowledgements it got. The checks use this. */
import type { AssignedPartition, TopicPartition } from '../../src/ports.ts'
import type { InboundRecord } from '../../src/core/model/model.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { limits } from '../../src/limits.ts'
import { topics } from '../support/flow-rig.ts'
import { handledKey } from './check-calls.ts'
import type { Run, Source } from './chronicle.ts'
import { coverageOf } from './coverage.ts'
import { placeOf, type Facts } from './facts.ts'
import type { Drain, EndpointReport, Epoch, EpochEnd, GroupName } from './process-view.ts'
import type { MemberWatch } from './sim-member.ts'
import type { SimProcess } from './sim-process.ts'

export class EpochBook {
  memberWatch(
    process: SimProcess,
    group: GroupName,
  ): Pick<MemberWatch, 'draining' | 'fetched' | 'left'> {
    return {
      draining: (mayLose) => {
        process.drains[group] = {
          from: process.loop.time(),
          // A member that joins in the last moment takes partitions from who did not expect it.
          budgetMs: mayLose ? limits.drainBudgetMs : 0,
          isStop: false,
        }
      },
      fetched: ({ topic, partition }: TopicPartition, offsets: readonly number[]) => {
        const epoch = process.epochs.get(`${topic}/${partition}`)
        for (const offset of offsets) epoch?.fetched.add(offset)
      },
      left: () => this.#end(process, group, new Map(), true),
    }
  }

  assigned(
    process: SimProcess,
    group: GroupName,
    {
      partitions,
      isContinued,
    }: { readonly partitions: readonly AssignedPartition[]; readonly isContinued: boolean },
  ): void {
    const kept = new Map<string, AssignedPartition>()
    for (const assigned of partitions) {
      if (assigned.isKept) kept.set(`${assigned.topic}/${assigned.partition}`, assigned)
    }
    this.#end(process, group, kept, isContinued)
    for (const { topic, partition, committedOffset, committedMetadata } of partitions) {
      const name = `${topic}/${partition}`
      if (process.epochs.has(name)) continue
      const coverage = coverageOf(committedOffset ?? 0, committedMetadata)
      const epoch: Epoch = {
        process,
        group,
        topic,
        partition,
        coverage,
        fetched: new Set(),
        done: new Map(),
        acknowledgedHooks: new Map(),
        isFirst: !process.owned.has(name),
        end: undefined,
        release: undefined,
      }
      process.owned.add(name)
      process.epochs.set(name, epoch)
    }
  }

  /** Ends the group's epochs that are not kept. */
  #end(
    process: SimProcess,
    group: GroupName,
    kept: ReadonlyMap<string, AssignedPartition>,
    isAnnounced: boolean,
  ): void {
    const drain = earlierOf(process.drains[group], process.stopDrain)
    process.drains[group] = undefined
    const isQuiet = drain !== undefined && !this.#wasDisturbed(process, drain.from)
    const end: EpochEnd = !isAnnounced ? 'lost' : isQuiet ? 'orderly' : 'disturbed'
    for (const [name, epoch] of process.epochs) {
      if (epoch.group !== group || kept.has(name)) continue
      epoch.end = end
      epoch.release = drain
      process.epochs.delete(name)
    }
  }

  #wasDisturbed(process: SimProcess, since: number): boolean {
    const { loop, network, disturbedUntil } = process
    return disturbedUntil >= since || network.isDown || loop.busyShare() > 0.5
  }
}

/** The drain that ends earlier: a process may be asked to stop during a rebalance, and the other way round. */
function earlierOf(one: Drain | undefined, other: Drain | undefined): Drain | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one.from + one.budgetMs <= other.from + other.budgetMs ? one : other
}

/** The process got the acknowledgement of these records. */
export function noteAcknowledged(
  facts: Facts,
  process: SimProcess,
  records: readonly InboundRecord[],
): void {
  for (const record of records) {
    if (record.topic === topics.results) noteResult(facts, process, record)
    else noteOnward(facts, process, record)
  }
}

function noteResult(facts: Facts, process: SimProcess, record: InboundRecord): void {
  const { chronicle } = facts
  const result = JSON.parse(record.value?.toString() ?? 'null') as DeliveryResult
  const { sourceTopic: topic, sourcePartition: partition, sourceOffset: offset } = result
  const place = { topic, partition, offset }
  const sent = chronicle.eventsByPlace.get(placeOf(place))
  const run =
    sent === undefined
      ? chronicle.runAt(topic, partition, offset)
      : chronicle.runOfEvent(sent, result.deliveryId, result.hookId)
  if (run === undefined) return
  if (result.final) process.finals.set(run.key, process.loop.time())
  if (result.outcome === 'interrupted') return
  noteHandled(facts, process, run, { ...place, ...progressAt(facts, place) })
}

/** Another record continues a run, so the record that asked for it is handled. */
function noteOnward(facts: Facts, process: SimProcess, record: InboundRecord): void {
  const { chronicle } = facts
  const run = chronicle.runAt(record.topic, record.partition, record.offset)
  const written = chronicle.sourceAt(record.topic, record.partition, record.offset)
  if (run === undefined || written === undefined) return
  // Which one of several copies was handled is not known.
  const [source, copy] = run.sources.filter(({ hop }) => hop === written.hop - 1)
  if (source !== undefined && copy === undefined && isOwnedBy(process, source)) {
    noteHandled(facts, process, run, source)
  }
}

type Place = Pick<Source, 'topic' | 'partition' | 'offset'>

function progressAt({ chronicle }: Facts, place: Place): Pick<Source, 'attempt' | 'hop'> {
  const source = chronicle.sourceAt(place.topic, place.partition, place.offset)
  return source ?? { attempt: 0, hop: 0 }
}

/** Whether the record is in a partition that the process owns, and was given to it. */
export function isOwnedBy(process: SimProcess, { topic, partition, offset }: Place): boolean {
  return process.epochs.get(`${topic}/${partition}`)?.fetched.has(offset) === true
}

function noteHandled(
  { chronicle, book }: Facts,
  process: SimProcess,
  run: Run,
  source: Place & Pick<Source, 'attempt' | 'hop'>,
): void {
  const epoch = process.epochs.get(`${source.topic}/${source.partition}`)
  if (epoch === undefined || !epoch.isFirst) return
  const sent = chronicle.eventsByPlace.get(placeOf(source))
  if (sent === undefined) {
    const key = handledKey(run, source)
    if (!process.handled.has(key)) process.handled.set(key, process.loop.time())
    epoch.done.set(source.offset, process.loop.task)
    return
  }
  const acknowledged = epoch.acknowledgedHooks.get(source.offset) ?? new Set()
  epoch.acknowledgedHooks.set(source.offset, acknowledged.add(run.hookId))
  const { certain, isAll } = book.matching(sent)
  if (isAll && certain.every((hookId) => acknowledged.has(hookId))) {
    epoch.done.set(source.offset, process.loop.task)
    epoch.acknowledgedHooks.delete(source.offset)
  }
}

/** A record of a table is about to be applied. */
export function noteApplied(process: SimProcess, record: InboundRecord): void {
  const id = record.key?.toString() ?? ''
  if (record.topic === topics.hooks) {
    process.hooks.set(id, record)
    return
  }
  if (record.value === null) {
    process.endpoints.delete(id)
    return
  }
  const report = JSON.parse(record.value.toString()) as EndpointReport
  const known = process.endpoints.get(id)
  const isNewer =
    known === undefined ||
    report.enableEpoch > known.enableEpoch ||
    (report.enableEpoch === known.enableEpoch &&
      (known.state !== 'disabled' || report.state === 'disabled'))
  if (isNewer) {
    const { state, enableEpoch, endpoint } = report
    process.endpoints.set(id, { state, enableEpoch, endpoint })
  }
}
