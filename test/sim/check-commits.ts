/** Checks of commits, when a process sends them and when the broker accepts them. */
import type { CommitEntry } from '../../src/ports.ts'
import type { Run, Source } from './chronicle.ts'
import { covers, coverageOf, coveredFrom, nothingCovered, type Coverage } from './coverage.ts'
import { placeOf, type Facts } from './facts.ts'
import type { ProcessView } from './process-view.ts'

/** Kafka accepts no longer metadata, so longer metadata leaves out the highest offsets. */
const fullMetadata = 4_000

export class CommitChecks {
  readonly #facts: Facts
  /** Offsets whose runs were found to continue or to have ended, by partition. The log keeps everything. */
  readonly #settled = new Map<string, { base: number; readonly above: Set<number> }>()
  readonly #taken = new Map<string, Coverage>()

  constructor(facts: Facts) {
    this.#facts = facts
  }

  /** A process sends commits. */
  sent(process: ProcessView, entries: readonly CommitEntry[]): void {
    for (const entry of entries) {
      const coverage = coverageOf(entry.offset, entry.metadata)
      this.#passesNothingOpen(process, entry, coverage)
      if (entry.metadata.length < fullMetadata) this.#saysWhatIsDone(process, entry, coverage)
    }
  }

  /** The broker accepts a commit. */
  taken(entry: CommitEntry): void {
    const name = `${entry.topic}/${entry.partition}`
    const coverage = coverageOf(entry.offset, entry.metadata)
    this.#keepsWhatWasDone(entry, this.#taken.get(name) ?? nothingCovered, coverage)
    this.#taken.set(name, coverage)
  }

  /** A commit never covers an open offset: everything that a covered record caused continues or has ended in the log. */
  #passesNothingOpen(process: ProcessView, entry: CommitEntry, coverage: Coverage): void {
    const name = `${entry.topic}/${entry.partition}`
    let settled = this.#settled.get(name)
    if (settled === undefined) this.#settled.set(name, (settled = { base: 0, above: new Set() }))
    for (const offset of coveredFrom(coverage, settled.base)) {
      if (settled.above.has(offset)) continue
      settled.above.add(offset)
      const open = this.#openAt({ ...entry, offset })
      if (open === undefined) continue
      this.#facts.report(
        'commit-passes-nothing-open',
        `${process.name} commits ${name}/${offset}, and ${open}`,
      )
    }
    for (; settled.base < coverage.base; settled.base += 1) settled.above.delete(settled.base)
  }

  /** What the record caused that neither continues nor has ended in the log. */
  #openAt(place: {
    readonly topic: string
    readonly partition: number
    readonly offset: number
  }): string | undefined {
    const { chronicle, book } = this.#facts
    if (chronicle.isLeftOut(placeOf(place)))
      return 'its value is not an event, and it was not rejected'
    const sent = chronicle.eventsByPlace.get(placeOf(place))
    if (sent === undefined) {
      const run = chronicle.runAt(place.topic, place.partition, place.offset)
      const source = chronicle.sourceAt(place.topic, place.partition, place.offset)
      return run !== undefined && source !== undefined && !goesOn(run, source)
        ? stillOpen(run)
        : undefined
    }
    const begunBy = placeOf(place)
    for (const run of chronicle.runsBegunBy(begunBy)) {
      const [source] = run.sources
      if (book.isSteady(run.hookId) && source !== undefined && !goesOn(run, source)) {
        return stillOpen(run)
      }
    }
    return undefined
  }

  /** A commit's metadata equals the ledger: it has every offset whose records were all acknowledged to the process. */
  #saysWhatIsDone(process: ProcessView, entry: CommitEntry, coverage: Coverage): void {
    const epoch = process.epochs.get(`${entry.topic}/${entry.partition}`)
    if (epoch === undefined) return
    for (const [offset, task] of epoch.done) {
      if (offset < coverage.base) epoch.done.delete(offset)
      else if (task < process.loop.task && !covers(coverage, offset)) {
        this.#facts.report(
          'commit-says-what-is-done',
          `${process.name} commits ${entry.topic}/${entry.partition} up to ${entry.offset} ("${entry.metadata}") without ${offset}, whose records were all acknowledged to it`,
        )
      }
    }
  }

  /** An offset that is complete in one commit is complete in the next one, whichever process sends it. */
  #keepsWhatWasDone(entry: CommitEntry, before: Coverage, now: Coverage): void {
    if (entry.metadata.length >= fullMetadata) return
    for (const offset of coveredFrom(before, now.base)) {
      if (covers(now, offset)) continue
      this.#facts.report(
        'commit-keeps-what-was-done',
        `a commit of ${entry.topic}/${entry.partition} up to ${entry.offset} ("${entry.metadata}") no longer has ${offset} as complete`,
      )
      return
    }
  }
}

function stillOpen({ deliveryId, hookId, begunBy }: Run): string {
  return `${deliveryId} for ${hookId}, begun by ${begunBy}, neither continues nor has ended in the log`
}

/** Whether the log has what follows from the record: the run's end, or a record that continues the run. */
function goesOn(run: Run, source: Source): boolean {
  if (run.finals.length > 0) return true
  return run.sources.some((other) => other !== source && isLater(other, source))
}

/**
 * A process that was cut off may leave two records of one run. A process that has handled the later one drops the other.
 */
function isLater(one: Source, other: Source): boolean {
  return one.attempt === other.attempt ? one.hop > other.hop : one.attempt > other.attempt
}
