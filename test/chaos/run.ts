/** A chaos run: the load, the faults, the settling, and the books. */
import { setTimeout as sleep } from 'node:timers/promises'
import { asError } from '../../src/core/model/errors.ts'
import { compareBooks, type Books, type CommittedPartition, type Comparison } from './books.ts'
import type { Death, ProcessLog } from './fleet.ts'
import { directHooks, proxiedHooks } from './hooks.ts'
import { startChaosLoad } from './load.ts'
import type { Plan, PlannedFault } from './plan.ts'
import { readBooks } from './read-books.ts'
import { faultsByKind } from './faults/all.ts'
import { startSampling, type Sample } from './steadiness.ts'
import { createWorld, partitions, type World } from './world.ts'

export interface ChaosOptions {
  readonly plan: Plan
  readonly brokers: 1 | 3
  readonly processors: number
  readonly eventsPerSecond: number
  /** How long the remaining deliveries may take after the load has ended. */
  readonly settleMs: number
  /** Stops the run in order. Then the books are not compared. */
  readonly signal: AbortSignal
  readonly print: (line: string) => void
}

/** The outcome of one fault. */
export interface FaultReport {
  readonly planned: PlannedFault
  readonly what: string
  /** `undefined` when work had not resumed in time, or the fault was left out. */
  readonly resumedMs: number | undefined
  readonly countsFrom: 'begin' | 'end'
  /** `waiting`: a breaker had opened before, and its next probe is later than the run waits. */
  readonly kind: 'done' | 'waiting' | 'late' | 'left-out' | 'failed'
}

export interface ChaosReport {
  readonly faults: readonly FaultReport[]
  readonly comparison: Comparison
  readonly books: Books
  /** The number of deliveries without a final record after the time to settle. */
  readonly openCount: number
  readonly settledMs: number
  /** Processes that ended by themselves without an excuse. */
  readonly deaths: readonly Death[]
  readonly samples: readonly Sample[]
  readonly logs: readonly ProcessLog[]
  readonly isRight: boolean
}

/** Longer than any work takes to resume: a breaker that has opened twice waits for five minutes. */
const resumeLimitMs = 360_000
const allHooks = [...directHooks, ...proxiedHooks]
const commitLimitMs = 60_000
const startLimitMs = 60_000
const commitLookMs = 500

/** @returns `undefined` when the run was stopped early */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport | undefined> {
  const { plan, signal, print, settleMs } = options
  await using world = await createWorld({
    ...options,
    seed: plan.seed,
    hasRegistry: plan.faults.some(({ kind }) => kind === 'registry-gone'),
  })
  const { fleet, watch } = world
  signal.addEventListener('abort', () => fleet.close(), { once: true })
  const members = Array.from({ length: options.processors }, () => fleet.start())
  const ready = Promise.all(members.map(({ run }) => run.ready()))
  const isReady = (await inTime(ready, startLimitMs, signal)) !== undefined
  if (signal.aborted) return undefined
  if (!isReady) throw new Error(`the processors were not ready within ${startLimitMs} ms`)
  await using load = startChaosLoad({
    brokers: world.brokers.addresses,
    topic: `${world.prefix}.events`,
    partitions,
    perSecond: options.eventsPerSecond,
    onBegun: (event) => watch.begun(event),
    onWritten: (event) => {
      world.events.push(event)
      watch.written(event)
    },
  })
  const sampling = startSampling(fleet)
  const startedAt = Date.now()
  const going = plan.faults.map((planned) => runFault({ world, planned, startedAt, signal, print }))
  await pause(plan.loadMs, signal)
  const faults = await Promise.all(going)
  sampling.stop()
  if (signal.aborted) return undefined
  await load.end()
  const open = world.recovery.open(allHooks).map(([hookId]) => hookId)
  if (open.length > 0) {
    print(`breakers are open: hooktide endpoints enable ${open.join(' ')}`)
    await world.enable(open)
  }
  print(`the load has ended; ${watch.openCount} deliveries are open`)
  const settlingFrom = Date.now()
  await inTime(watch.allEnded(), settleMs, signal)
  const openCount = watch.openCount
  const commits = await committed(world, signal)
  const settledMs = Date.now() - settlingFrom
  fleet.close()
  const codes = await Promise.all([...fleet.members].map((member) => fleet.end(member)))
  if (signal.aborted) return undefined
  const books = await readBooks(world, commits)
  const comparison = compareBooks(books)
  const deaths = world.deaths.flatMap(({ death, excuse }) => (excuse === undefined ? [death] : []))
  const hasFailed = faults.some(({ kind }) => kind === 'failed' || kind === 'late')
  const isRight =
    comparison.isRight && deaths.length === 0 && !hasFailed && codes.every((code) => code === 0)
  return {
    faults,
    comparison,
    books,
    openCount,
    settledMs,
    deaths,
    samples: sampling.samples,
    logs: fleet.logs,
    isRight,
  }
}

interface FaultRun {
  readonly world: World
  readonly planned: PlannedFault
  readonly startedAt: number
  readonly signal: AbortSignal
  readonly print: (line: string) => void
}

async function runFault(run: FaultRun): Promise<FaultReport> {
  const { planned, startedAt, signal, print } = run
  await pause(startedAt + planned.at - Date.now(), signal)
  const report = await happen(run).catch((error: unknown) => ({
    kind: 'failed' as const,
    what: asError(error).message,
    resumedMs: undefined,
    countsFrom: 'begin' as const,
  }))
  if (!signal.aborted) print(lineOf({ planned, ...report }, Date.now() - startedAt))
  return { planned, ...report }
}

async function happen({ world, planned, signal }: FaultRun): Promise<Omit<FaultReport, 'planned'>> {
  const fault = faultsByKind[planned.kind]
  const lacking = signal.aborted ? 'the run was ended' : fault.lacks?.(world)
  if (lacking !== undefined) {
    return { kind: 'left-out', what: lacking, resumedMs: undefined, countsFrom: 'begin' }
  }
  const beganAt = Date.now()
  const begun = await fault.begin(world, planned)
  const measure = async (since: number): Promise<number> => {
    await (begun.resumed?.(since) ?? world.watch.resumed(since))
    return Date.now() - since
  }
  const { countsFrom } = begun
  const early = countsFrom === 'begin' ? measure(beganAt) : undefined
  await pause(planned.lastsMs, signal)
  await begun.end()
  const resumedMs = await inTime(early ?? measure(Date.now()), resumeLimitMs, signal)
  const isOpen = world.recovery.open(begun.hookIds ?? []).length > 0
  const kind = resumedMs !== undefined ? 'done' : isOpen ? 'waiting' : 'late'
  return { kind, what: begun.what, resumedMs, countsFrom }
}

function lineOf({ planned, what, resumedMs, countsFrom, kind }: FaultReport, ms: number): string {
  const at = `${(ms / 1_000).toFixed(1).padStart(7)} s`
  const name = `${planned.kind}${planned.isMixed ? ' (mixed)' : ''}`
  const from = countsFrom === 'begin' ? 'after it began' : 'after it was over'
  switch (kind) {
    case 'done':
      return `${at}  ${planned.id} ${name}: ${what}; resumed ${((resumedMs ?? 0) / 1_000).toFixed(1)} s ${from}`
    case 'waiting':
      return `${at}  ${planned.id} ${name}: ${what}; a breaker that had opened before waits for its probe`
    case 'late':
      return `${at}  ${planned.id} ${name}: ${what}; NOT RESUMED within ${resumeLimitMs / 1_000} s`
    case 'left-out':
      return `${at}  ${planned.id} ${name}: left out: ${what}`
    case 'failed':
      return `${at}  ${planned.id} ${name}: FAILED: ${what}`
  }
}

/** The commits of all partitions when they have reached the ends, or the current ones when that takes too long. */
async function committed(
  world: World,
  signal: AbortSignal,
): Promise<readonly CommittedPartition[]> {
  const giveUpAt = Date.now() + commitLimitMs
  for (;;) {
    const commits = await world.commits.commits()
    const isWhole = commits.every(({ offset = 0, end }) => offset === end)
    if (isWhole || Date.now() > giveUpAt || signal.aborted) return commits
    await pause(commitLookMs, signal)
  }
}

/** Waits, but ends early when the run is stopped. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined)
}

/** `undefined` when it does not resolve in time, or the run is stopped. */
async function inTime<Result>(
  reached: Promise<Result>,
  ms: number,
  signal: AbortSignal,
): Promise<Result | undefined> {
  const over = new AbortController()
  try {
    return await Promise.race([
      reached,
      pause(ms, AbortSignal.any([signal, over.signal])).then(() => undefined),
    ])
  } finally {
    over.abort()
  }
}
