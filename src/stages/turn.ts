/**
 * The main loop of a processor. Everything that happens is marked ({@link ./marks.ts}). Marks that are set in one pass of the
 * event loop are handled by one turn at its end: with many calls in flight, a turn per answer would cost more than the
 * answers. A turn handles all marks in these steps, until there are none:
 *
 * 1. answers → the state of lanes and endpoints, and the records to write;
 * 2. acknowledgements → complete offsets;
 * 3. partitions → admitted records, in lanes or on tiers;
 * 4. lanes → calls.
 *
 * The steps that free slots and room come first, so the later ones can use them in the same turn. At the end of a turn,
 * lanes give back what others need more, and commits of complete offsets are planned. A turn never waits, and it is short:
 * what is beyond its bounds is left to the next.
 */
import { countedAsOf, type RepeatBounds } from '../core/lane/repeat-bounds.ts'
import type { LaneMove, Slot } from '../core/lane/lanes.ts'
import { heededSign, type EndpointSign } from '../core/run/verdict.ts'
import type { Emit } from '../core/signal/signal.ts'
import type { Clock } from '../ports.ts'
import type { Admission } from './admission.ts'
import { Timer } from './timer.ts'
import type { CallGate } from './call-gate.ts'
import type { Calls } from './calls.ts'
import type { Completion } from './completion.ts'
import type { EndpointHealth } from './endpoint-health.ts'
import type { Group } from './group.ts'
import { halfDoneCheckMs, type HalfDone } from './half-done.ts'
import type { IdleWaiters } from './idle-waiters.ts'
import type { Acknowledged, Answered, Marks } from './marks.ts'
import type { PartitionFlow } from './partition-flow.ts'
import type { Placement } from './placement.ts'
import type { Recorder } from './recorder.ts'
import type { Origin, Work } from './work.ts'

export interface TurnParts {
  readonly marks: Marks
  readonly groups: readonly Group[]
  readonly admission: Admission
  readonly placement: Placement
  readonly gate: CallGate
  readonly calls: Calls
  readonly health: EndpointHealth
  readonly recorder: Recorder
  readonly completion: Completion
  readonly halfDone: HalfDone
  readonly bounds: RepeatBounds
  readonly waiters: IdleWaiters
  readonly clock: Clock
  readonly emit: Emit
}

/** How many answers one turn handles. Thousands of calls may end at once, such as by their time-outs. */
const mostAnswers = 64
/** How many calls one turn starts. Thousands may start at once, such as when membership is proven again. */
const mostStarts = 64
/** How many calls one turn aborts. When other members get partitions, thousands may be lost at once. */
const mostAborts = 64

export class Turn {
  readonly #parts: TurnParts
  readonly #groups: ReadonlyMap<string, Group>
  /** Groups with something new to commit. */
  readonly #changed = new Set<Group>()
  /** Partitions with more to admit than this turn does: those that got none of it, and those that got their part. */
  readonly #unfinished: Readonly<Record<'all' | 'partition', Set<PartitionFlow>>> = {
    all: new Set(),
    partition: new Set(),
  }
  /** Starts one pass over all partitions that wait for room, however many completions there were. */
  readonly #roomSoon: Timer
  readonly #halfDoneSoon: Timer
  readonly #relieveSoon: Timer
  /** How many calls this turn may still start. */
  #startsLeft = 0
  #isInTurn = false
  #isPlanned = false
  readonly #completed = (origin: Origin) => this.#causedNothing(origin)

  constructor(parts: TurnParts) {
    const { clock, marks, groups } = parts
    this.#parts = parts
    this.#groups = new Map(groups.map((group) => [group.name, group]))
    this.#roomSoon = new Timer(clock, () => this.#markWaiting())
    this.#halfDoneSoon = new Timer(clock, () => marks.set())
    this.#relieveSoon = new Timer(clock, () => marks.set())
    marks.onSet(() => this.#planTurn())
  }

  /** Schemas have arrived, or requests for them have ended. All heads that wait for a schema are opened again. */
  schemasArrived(): void {
    const { groups, marks } = this.#parts
    marks.partitions(...groups.flatMap(({ awaitingSchema }) => [...awaitingSchema]))
  }

  #planTurn(): void {
    if (this.#isPlanned || this.#isInTurn) return
    this.#isPlanned = true
    this.#parts.clock.soon(() => this.#takeTurn())
  }

  #takeTurn(): void {
    this.#isPlanned = false
    this.#isInTurn = true
    const { marks, admission, calls } = this.#parts
    let answersLeft = mostAnswers
    this.#startsLeft = mostStarts
    admission.beginTurn()
    try {
      calls.abortLost(mostAborts)
      while (marks.take()) {
        const answers = marks.takeAnswered(answersLeft)
        answersLeft -= answers.length
        for (const answered of answers) this.#record(answered)
        for (const acknowledged of marks.takeAcknowledged()) this.#settle(acknowledged)
        this.#splitHalfDone()
        for (const flow of marks.takePartitions()) this.#admit(flow)
        this.#startDue()
        if (marks.takeRoom()) this.#giveRoom()
      }
      this.#relieve()
      for (const group of this.#changed) group.committer.commitSoon()
      this.#changed.clear()
    } finally {
      this.#isInTurn = false
    }
    this.#parts.waiters.check()
    this.#planRest()
  }

  /** Plans a turn for what this one has left. Partitions that got nothing of this one come first in it. */
  #planRest(): void {
    const { marks, calls } = this.#parts
    const { all, partition } = this.#unfinished
    const isFinished = !marks.hasAnswered && !calls.hasLost && this.#startsLeft > 0
    if (isFinished && all.size + partition.size === 0) return
    marks.partitions(...all, ...partition)
    all.clear()
    partition.clear()
  }

  /** Answers → the state of lanes and endpoints, and records. */
  #record(answered: Answered): void {
    const { calls, health, recorder, clock } = this.#parts
    const { slot, attempted } = answered
    this.#laneChanged(slot, calls.answered(answered))
    const outcome = endpointOutcomeOf(heededSign(attempted.sign, slot.work.run))
    if (outcome !== undefined) health.attempted(attempted.hook, outcome, clock.now())
    recorder.record(slot.work, attempted, countedAsOf(slot))
  }

  /** Acknowledgements → offsets. */
  #settle(acknowledged: Acknowledged): void {
    const { marks, completion, recorder } = this.#parts
    recorder.settled(acknowledged)
    acknowledged.work?.trace?.acknowledged()
    if (completion.acknowledged(acknowledged)) this.#commitSoon(acknowledged.origin)
    marks.room()
  }

  /** Partitions → lanes and tiers. */
  #admit(flow: PartitionFlow): void {
    const { admission, clock, marks } = this.#parts
    const group = this.#groups.get(flow.group)
    flow.stopTimer()
    this.#unfinished.all.delete(flow)
    this.#unfinished.partition.delete(flow)
    group?.awaitingRoom.delete(flow)
    group?.awaitingSchema.delete(flow)
    if (group?.isAdmitting !== true || !flow.isLive) return
    const wait = admission.admit(flow, this.#completed)
    if (wait.kind === 'turn') this.#unfinished[wait.of].add(flow)
    if (wait.kind === 'room') {
      group.awaitingRoom.add(flow)
      this.#roomSoon.fireIn(wait.forMs)
    }
    if (wait.kind === 'schema') group.awaitingSchema.add(flow)
    if (wait.kind === 'later') {
      const delayMs = Math.max(0, wait.at - clock.now())
      flow.timerStarted(clock.after(delayMs, () => marks.partitions(flow)))
    }
    group.relieve(flow)
    this.#changed.add(group)
  }

  #startDue(): void {
    const { calls, recorder } = this.#parts
    for (const slot of calls.due(recorder, this.#startsLeft)) {
      this.#startsLeft -= 1
      this.#start(slot)
    }
  }

  /** Lanes → calls. */
  #start(slot: Slot<Work>): void {
    const { calls, recorder, completion, marks, halfDone, emit } = this.#parts
    const { work } = slot
    const { run, origin } = work
    halfDone.unqueued(work)
    marks.room()
    const begun = calls.begin(slot)
    if (begun.kind === 'called') return
    this.#laneChanged(slot, calls.notMade(slot))
    if (begun.kind === 'end') {
      const { verdict, configVersion } = begun
      recorder.record(work, { kind: 'ended', verdict, configVersion })
    }
    if (begun.kind === 'repeated') {
      emit({ kind: 'run.repeated', deliveryId: run.deliveryId })
      if (completion.settle(origin, run.hookId)) this.#commitSoon(origin)
    }
  }

  #laneChanged({ work }: Slot<Work>, move: LaneMove<Work> | undefined): void {
    if (move !== undefined) this.#parts.placement.laneChanged(work.run.hookId, move)
  }

  /** Splits off what waits within half-done events, except while no call may start. */
  #splitHalfDone(): void {
    const { halfDone, bounds, gate, placement, clock } = this.#parts
    if (halfDone.isEmpty) return
    if (gate.isOpen) {
      const now = clock.monotonic()
      for (const work of halfDone.takeDue(bounds.maxHalfDone(now), now)) placement.split(work)
    }
    if (!halfDone.isEmpty) this.#halfDoneSoon.fireIn(halfDoneCheckMs)
  }

  #relieve(): void {
    const againInMs = this.#parts.placement.relieve()
    if (againInMs !== undefined) this.#relieveSoon.fireIn(againInMs)
  }

  #causedNothing(origin: Origin): void {
    this.#parts.completion.causedNothing(origin)
    this.#commitSoon(origin)
  }

  #commitSoon({ epoch }: Origin): void {
    const group = this.#groups.get(epoch.group)
    if (group !== undefined) this.#changed.add(group)
  }

  #giveRoom(): void {
    if (this.#parts.groups.some(({ awaitingRoom }) => awaitingRoom.size > 0))
      this.#roomSoon.fireIn(0)
  }

  #markWaiting(): void {
    const { groups, marks } = this.#parts
    marks.partitions(...groups.flatMap(({ awaitingRoom }) => [...awaitingRoom]))
  }
}

/** What an attempt shows about the hook's endpoint; `undefined` when it shows nothing. */
function endpointOutcomeOf({ kind }: EndpointSign): 'success' | 'failure' | 'gone' | undefined {
  if (kind === 'none') return undefined
  return kind === 'busy' ? 'failure' : kind
}
