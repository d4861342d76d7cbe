/**
 * The four books of a chaos run, and their comparison: events produced, requests received, results recorded, and offsets
 * committed.
 *
 * - **Lost**: an event without a call and without a record for a hook that must get it.
 * - **Stuck**: a run that has a call or a record, but no final record.
 * - **Repeated**: a request with the id and the attempt of an earlier one.
 *
 * A repeat is allowed if one of these reasons explains it. Each reason explains one repeat of a call:
 * - The receiver closed the connection of the first call before it answered, so the call may be made again on a new one.
 * - A *crash*: a process or its connection to Kafka was lost, or its partitions were assigned to others. It must have begun
 *   before the repeat, and not before the first call was over, and no commit that was acknowledged before the crash may cover
 *   the record that leads to the call.
 * - An orderly *hand-over* that overlaps the first call, if the call took longer than two seconds until Kafka had its record.
 * - The previous attempt was repeated, and so wrote the record that asks for this one twice.
 */
import type { OffsetRange } from '../../src/core/offsets/completed-runs.ts'

/** `<topic>/<partition>/<offset>`. */
export type Place = string

export interface ProducedEvent {
  readonly eventId: string
  readonly place: Place
  /** Milliseconds since 1970, when the write was acknowledged. All times of the books are read from one clock. */
  readonly at: number
  /** Ids of the deliveries that must be made for the event. */
  readonly owed: readonly string[]
  /** Ids of the deliveries that may be made, to passing hooks. */
  readonly possible: readonly string[]
}

export interface ReceivedRequest {
  readonly deliveryId: string
  readonly attempt: number
  readonly at: number
  /** When it was answered, or its connection ended. */
  readonly endedAt: number | undefined
  /** `cut`: the receiver closed the connection before any byte of an answer. */
  readonly end: 'answered' | 'cut' | 'given-up' | 'open'
  readonly status: number | undefined
  readonly isSigned: boolean
}

export interface RecordedResult {
  readonly deliveryId: string
  readonly run: Place
  readonly attempt: number | null
  readonly outcome: string
  readonly isFinal: boolean
  /** The record that was handled. */
  readonly source: Place
  /** The process that wrote it. */
  readonly instance: string
  /** The broker's timestamp. */
  readonly at: number
}

/** A record of a retry topic or of the requests topic. It continues a run. */
export interface CarriedRun {
  readonly deliveryId: string
  readonly place: Place
  /** Attempts made so far. */
  readonly attempt: number
}

export interface CommittedPartition {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly end: number
  /** `undefined` when nothing was ever committed. */
  readonly offset: number | undefined
}

/** What commits covered at one moment, by `<topic>/<partition>`. */
export type Coverage = ReadonlyMap<
  string,
  { readonly base: number; readonly ranges: readonly OffsetRange[] }
>

interface DisturbanceSpan {
  /** From 1, in order of time. */
  readonly id: number
  /** The number of the fault in the report; 0 for a disturbance that no fault planned. */
  readonly fault: number
  readonly from: number
  readonly until: number
}

export type Disturbance =
  | (DisturbanceSpan & { readonly kind: 'crash'; readonly coverage: Coverage })
  | (DisturbanceSpan & { readonly kind: 'hand-over' })

export interface Books {
  readonly events: readonly ProducedEvent[]
  readonly requests: readonly ReceivedRequest[]
  readonly results: readonly RecordedResult[]
  readonly carried: readonly CarriedRun[]
  /** Delivery ids of dead letters. */
  readonly letters: ReadonlySet<string>
  readonly commits: readonly CommittedPartition[]
  readonly disturbances: readonly Disturbance[]
}

/** An orderly hand-over waits this long for calls (README, "What it promises"). */
const maxHandOverMs = 2_000

/** All faults that were found, each with what shows it. */
export interface Faults {
  readonly lost: readonly string[]
  readonly stuck: readonly string[]
  /** Calls or records of a delivery that no event asked for. */
  readonly invented: readonly string[]
  /** Results that say `delivered`, without a request of that attempt that was answered with success. */
  readonly unbacked: readonly string[]
  /** Calls without a record, which no crash explains. */
  readonly unrecorded: readonly string[]
  /** Repeats without a reason. */
  readonly excess: readonly string[]
  /** Runs that died or expired without a dead letter. */
  readonly withoutLetter: readonly string[]
  /** Requests with invalid signatures. */
  readonly unsigned: readonly string[]
  /** Partitions that are not committed to their ends. */
  readonly uncommitted: readonly string[]
}

export interface Comparison {
  readonly faults: Faults
  readonly isRight: boolean
  readonly counts: {
    readonly events: number
    readonly owed: number
    readonly requests: number
    readonly results: number
    /** Runs that ended, by the outcome of the first final record. */
    readonly endings: ReadonlyMap<string, number>
    readonly repeats: number
    /** Repeats because the receiver closed the connection of the first call. */
    readonly resent: number
    /** Repeats because the previous attempt was repeated. */
    readonly followUps: number
  }
  /** By disturbance: how many calls were repeated, and how many were sent and not covered when it began. */
  readonly repeats: ReadonlyMap<number, { readonly repeated: number; readonly exposed: number }>
}

export function compareBooks(books: Books): Comparison {
  const index = indexOf(books)
  const repeats = countRepeats(books, index)
  const { results, requests, commits } = books
  const faults: Faults = {
    ...findOpenRuns(index),
    invented: findInvented(index),
    unbacked: findUnbacked(results, index),
    unrecorded: findUnrecorded(books, index),
    excess: repeats.excess,
    withoutLetter: findLetterless(books),
    unsigned: requests.filter(({ isSigned }) => !isSigned).map(keyOf),
    uncommitted: commits
      .filter(({ offset = 0, end }) => offset !== end)
      .map(
        (one) =>
          `${one.topic}/${one.partition} of ${one.group} at ${one.offset ?? 'none'} of ${one.end}`,
      ),
  }
  return {
    faults,
    isRight: Object.values(faults).every((list: readonly string[]) => list.length === 0),
    counts: {
      events: books.events.length,
      owed: index.owed.size,
      requests: requests.length,
      results: results.length,
      endings: endingsOf(index),
      repeats: repeats.total,
      resent: repeats.resent,
      followUps: repeats.followUps,
    },
    repeats: repeats.byDisturbance,
  }
}

interface Index {
  readonly owed: ReadonlyMap<string, ProducedEvent>
  readonly possible: ReadonlyMap<string, ProducedEvent>
  /** By delivery and attempt, in order of time. */
  readonly requests: ReadonlyMap<string, readonly ReceivedRequest[]>
  readonly results: ReadonlyMap<string, readonly RecordedResult[]>
  readonly resultsByKey: ReadonlyMap<string, readonly RecordedResult[]>
  readonly carried: ReadonlyMap<string, readonly CarriedRun[]>
  readonly called: ReadonlySet<string>
}

function indexOf({ events, requests, results, carried }: Books): Index {
  const owed = new Map<string, ProducedEvent>()
  const possible = new Map<string, ProducedEvent>()
  for (const event of events) {
    for (const id of event.owed) owed.set(id, event)
    for (const id of event.possible) possible.set(id, event)
  }
  const inOrder = requests.toSorted((one, other) => one.at - other.at)
  return {
    owed,
    possible,
    requests: Map.groupBy(inOrder, keyOf),
    results: Map.groupBy(results, ({ deliveryId }) => deliveryId),
    resultsByKey: Map.groupBy(results, keyOf),
    carried: Map.groupBy(carried, ({ deliveryId }) => deliveryId),
    called: new Set(requests.map(({ deliveryId }) => deliveryId)),
  }
}

function keyOf({
  deliveryId,
  attempt,
}: {
  readonly deliveryId: string
  readonly attempt: number | null
}): string {
  return `${deliveryId} ${attempt}`
}

function findOpenRuns({
  owed,
  possible,
  results,
  carried,
  called,
}: Index): Pick<Faults, 'lost' | 'stuck'> {
  const lost: string[] = []
  const stuck: string[] = []
  const hasFinal = (id: string) => results.get(id)?.some(({ isFinal }) => isFinal) === true
  for (const [id, event] of owed) {
    if (hasFinal(id)) continue
    const isBegun = called.has(id) || results.has(id) || carried.has(id)
    const list = isBegun ? stuck : lost
    list.push(`${id} of event ${event.eventId} at ${event.place}`)
  }
  // A run of a passing hook must end only if a record continues it. A call alone does not count.
  for (const [id, event] of possible) {
    if (carried.has(id) && !hasFinal(id))
      stuck.push(`${id} of event ${event.eventId} at ${event.place}`)
  }
  return { lost, stuck }
}

function findInvented({ owed, possible, requests, results }: Index): readonly string[] {
  const isKnown = (id: string) => owed.has(id) || possible.has(id)
  const invented: string[] = []
  for (const [key, [first]] of requests) {
    if (first !== undefined && !isKnown(first.deliveryId)) invented.push(`request ${key}`)
  }
  for (const [id, list] of results) {
    const event = owed.get(id) ?? possible.get(id)
    if (event === undefined) invented.push(`result of ${id}`)
    for (const { run } of list) {
      if (event !== undefined && run !== event.place)
        invented.push(`run ${run} of ${id}, whose event is at ${event.place}`)
    }
  }
  return invented
}

function findUnbacked(results: readonly RecordedResult[], { requests }: Index): readonly string[] {
  return results
    .filter((result) => {
      if (result.outcome !== 'delivered') return false
      const made = requests.get(keyOf(result)) ?? []
      return !made.some(({ status }) => status !== undefined && status >= 200 && status < 300)
    })
    .map((result) => `${keyOf(result)} by ${result.source}`)
}

/** A call whose process crashed may have no record, if the next owner found that no call was due. */
function findUnrecorded({ disturbances }: Books, index: Index): readonly string[] {
  const unrecorded: string[] = []
  for (const [key, made] of index.requests) {
    const [first] = made
    if (first === undefined || index.resultsByKey.has(key)) continue
    const isExplained = disturbances.some(
      (one) =>
        one.kind === 'crash' &&
        made.some(({ at }) => at <= one.until) &&
        isExposed(one, first, index),
    )
    if (!isExplained) unrecorded.push(key)
  }
  return unrecorded
}

function findLetterless({ results, letters }: Books): readonly string[] {
  return results
    .filter(
      ({ outcome, deliveryId }) =>
        (outcome === 'dead' || outcome === 'expired') && !letters.has(deliveryId),
    )
    .map((result) => `${keyOf(result)} is ${result.outcome}`)
}

function endingsOf({ results }: Index): ReadonlyMap<string, number> {
  const endings = new Map<string, number>()
  for (const list of results.values()) {
    const first = list.find(({ isFinal }) => isFinal)
    if (first !== undefined) endings.set(first.outcome, (endings.get(first.outcome) ?? 0) + 1)
  }
  return endings
}

interface Repeats {
  readonly total: number
  readonly resent: number
  readonly followUps: number
  readonly excess: readonly string[]
  readonly byDisturbance: ReadonlyMap<
    number,
    { readonly repeated: number; readonly exposed: number }
  >
}

function countRepeats({ disturbances }: Books, index: Index): Repeats {
  const found = { total: 0, resent: 0, followUps: 0 }
  const excess: string[] = []
  const repeated = new Map<number, number>()
  for (const [key, made] of index.requests) {
    const explaining = new Explaining(key, made, index)
    for (let turn = 1; turn < made.length; turn += 1) {
      found.total += 1
      const why = explaining.explain(turn, disturbances)
      if (why === undefined)
        excess.push(`${key}, ${made.map(({ at, end }) => `${at} ${end}`).join(', ')}`)
      else if (why === 'resent') found.resent += 1
      else if (why === 'echo') found.followUps += 1
      else repeated.set(why.id, (repeated.get(why.id) ?? 0) + 1)
    }
  }
  const byDisturbance = new Map(
    disturbances.map((one) => {
      const exposed = one.kind === 'crash' ? exposedCalls(one, index) : 0
      return [one.id, { repeated: repeated.get(one.id) ?? 0, exposed }]
    }),
  )
  return { ...found, excess, byDisturbance }
}

type Crash = Extract<Disturbance, { readonly kind: 'crash' }>

/** Finds a reason for each repeat of one call. Each reason is used once. */
class Explaining {
  readonly #made: readonly ReceivedRequest[]
  readonly #index: Index
  /** The broker's timestamps of the results of the call, in order. */
  readonly #recordedAt: readonly number[]
  readonly #used = new Set<number>()
  readonly #isCopied: boolean
  #echoesLeft: number
  #isResent = false

  constructor(key: string, made: readonly ReceivedRequest[], index: Index) {
    this.#made = made
    this.#index = index
    const results = index.resultsByKey.get(key) ?? []
    this.#isCopied = new Set(results.map(({ source }) => source)).size > 1
    this.#recordedAt = results.map(({ at }) => at).toSorted((one, other) => one - other)
    const [first] = made
    const before = first === undefined ? '' : keyOf({ ...first, attempt: first.attempt - 1 })
    this.#echoesLeft = Math.max(0, (index.requests.get(before)?.length ?? 0) - 1)
  }

  explain(
    turn: number,
    disturbances: readonly Disturbance[],
  ): 'resent' | 'echo' | Disturbance | undefined {
    const [first, again] = [this.#made[turn - 1], this.#made[turn]]
    if (first === undefined || again === undefined) return undefined
    if (first.end === 'cut' && !this.#isResent) {
      this.#isResent = true
      return 'resent'
    }
    const why = disturbances.find(
      (one) => !this.#used.has(one.id) && this.#explains(one, first, again),
    )
    if (why !== undefined) this.#used.add(why.id)
    else if (this.#echoesLeft > 0) {
      this.#echoesLeft -= 1
      return 'echo'
    }
    return why
  }

  #explains(one: Disturbance, first: ReceivedRequest, again: ReceivedRequest): boolean {
    if (one.from > again.at) return false
    if (one.kind === 'hand-over') {
      const answeredAt = first.endedAt ?? Number.POSITIVE_INFINITY
      const endedAt = this.#recordedAt.find((at) => at >= answeredAt) ?? Number.POSITIVE_INFINITY
      return first.at <= one.until && endedAt >= one.from && endedAt - first.at > maxHandOverMs
    }
    // If a record of the run was written twice, it leads to two calls, both after the crash that caused the second copy.
    return (first.at <= one.until || this.#isCopied) && isExposed(one, first, this.#index)
  }
}

/** Whether a record that leads to this attempt was not covered by a commit when the crash began. */
function isExposed(
  { coverage }: Crash,
  { deliveryId, attempt }: Pick<ReceivedRequest, 'deliveryId' | 'attempt'>,
  { owed, possible, carried }: Index,
): boolean {
  const event = owed.get(deliveryId) ?? possible.get(deliveryId)
  if (attempt === 1 && event !== undefined && !covers(coverage, event.place)) return true
  const onward = carried.get(deliveryId) ?? []
  return onward.some((one) => one.attempt === attempt - 1 && !covers(coverage, one.place))
}

function covers(coverage: Coverage, place: Place): boolean {
  const end = place.lastIndexOf('/')
  const offset = Number(place.slice(end + 1))
  const found = coverage.get(place.slice(0, end))
  if (found === undefined) return false
  return offset < found.base || found.ranges.some(({ from, to }) => offset >= from && offset < to)
}

/** The number of calls that were sent before the crash was over, and were not covered when it began. */
function exposedCalls(crash: Crash, index: Index): number {
  let count = 0
  for (const [first] of index.requests.values()) {
    if (first !== undefined && first.at <= crash.until && isExposed(crash, first, index)) count += 1
  }
  return count
}
