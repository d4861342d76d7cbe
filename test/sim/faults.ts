/** Causes the faults of a plan. */
import { decodeDeadLetter } from '../../src/core/run/delivery-headers.ts'
import { disabledByOperator } from '../../src/core/health/health.ts'
import { decodeHealth, encodeHealth, renewed, type Health } from '../../src/core/health/record.ts'
import { decodeEvent } from '../../src/core/event/event.ts'
import { deliveryIdOf } from '../../src/core/model/identity.ts'
import type { HookId, OutboundRecord } from '../../src/core/model/model.ts'
import { requestRecord } from '../../src/commands/replay/requests.ts'
import { topics } from '../support/flow-rig.ts'
import { placeOf } from './facts.ts'
import type { Fault, FaultKind, HookEdit, InnerFault } from './plan-faults.ts'
import { worldBegan } from './process-loop.ts'
import type { SimProcess } from './sim-process.ts'
import type { World } from './world.ts'

const innerKinds: ReadonlySet<Fault['kind']> = new Set<InnerFault['kind']>([
  'edit',
  'compact',
  'marker',
  'endpoint',
  'replay-letters',
  'replay-events',
])

function isInner(fault: FaultKind): fault is InnerFault {
  return innerKinds.has(fault.kind)
}

type Of<Kind extends Fault['kind']> = Extract<Fault, { readonly kind: Kind }>

/** After how long another process replaces one that has died or left, in milliseconds. */
const replacedAfterMs = [100, 12_000] as const

export class FaultMaker {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  plan(): void {
    const { plan, timeline } = this.#world.facts
    for (const fault of plan.faults) timeline.at(fault.at, () => this.#make(fault))
    timeline.at(plan.calmAt, () => this.#ensureAlive())
  }

  #make(fault: Fault): void {
    const world = this.#world
    world.note(() => `fault: ${JSON.stringify(fault)}`)
    if (isInner(fault)) this.#makeInner(fault)
    else this.#makeOuter(fault)
  }

  #makeOuter(fault: Exclude<Fault, InnerFault>): void {
    const world = this.#world
    switch (fault.kind) {
      case 'kill':
        return this.#kill(fault)
      case 'kill-at-commit':
        return this.#withProcess(fault.instance, (process) => {
          process.diesAtCommit = true
          this.#replace(fault.instance)
        })
      case 'stop':
        return this.#stop(fault)
      case 'start':
        world.startProcess(this.#instance(0))
        return
      case 'sleep':
        return this.#sleep(fault)
      case 'cut':
        return this.#cut(fault)
      case 'broker-away':
        return this.#brokerAway(fault)
      case 'acknowledgements':
        return this.#acknowledgements(fault)
      case 'stuck-sink':
        return this.#stuckSink(fault)
      case 'clock-step':
        return this.#withProcess(fault.instance, (process) => {
          process.loop.skewMs += fault.byMs
        })
    }
  }

  #makeInner(fault: InnerFault): void {
    const { log } = this.#world.facts
    const { dice } = this.#world
    switch (fault.kind) {
      case 'edit':
        return this.#edit(fault.hookId, fault.edit)
      case 'compact':
        for (const topic of [topics.hooks, topics.endpoints]) log.compact(topic, dice)
        return
      case 'marker': {
        const topic = topics.events[0] ?? ''
        log.appendMarker({ topic, partition: dice.int(0, log.partitionCount(topic) - 1) })
        return
      }
      case 'endpoint':
        return this.#changeEndpoint(fault)
      case 'replay-letters':
        return this.#replayLetters(fault.most)
      case 'replay-events':
        return this.#replayEvents(fault.most)
    }
  }

  #kill({ instance, afterAppends }: Of<'kill'>): void {
    this.#withProcess(instance, (process) => {
      if (afterAppends === 0) this.#world.kill(process, 'at once')
      else process.diesAfterAppends = afterAppends
      this.#replace(instance)
    })
  }

  #stop({ instance, deadlineMs }: Of<'stop'>): void {
    this.#withProcess(instance, (process) => {
      const end = this.#world.beginFault()
      process.stop(deadlineMs, () => {
        this.#world.note(() => `${process.name} has left`)
        end()
      })
      this.#replace(instance)
    })
  }

  #sleep({ instance, forMs }: Of<'sleep'>): void {
    this.#withProcess(instance, (process) => {
      const { timeline } = this.#world.facts
      // It may be asleep already.
      const lastsMs = process.loop.time() - timeline.now + forMs + 2_000
      process.loop.post(() => process.loop.sleep(forMs))
      process.disturb(lastsMs)
      timeline.after(lastsMs, this.#world.beginFault())
    })
  }

  #cut({ instance, at, endAt }: Of<'cut'>): void {
    this.#withProcess(instance, (process) => {
      const end = this.#world.beginFault()
      process.network.isCut = true
      process.disturb(endAt - at + 2_000)
      this.#world.facts.timeline.at(endAt, () => {
        process.network.isCut = false
        process.network.restored()
        end()
      })
    })
  }

  #brokerAway({ at, endAt }: Of<'broker-away'>): void {
    const { power, allProcesses, facts } = this.#world
    const end = this.#world.beginFault()
    power.isAway = true
    for (const process of allProcesses) process.disturb(endAt - at + 2_000)
    facts.timeline.at(endAt, () => {
      power.isAway = false
      for (const { network } of allProcesses) network.restored()
      end()
    })
  }

  #acknowledgements(fault: Of<'acknowledgements'>): void {
    const { sinkFaults, commitFaults, facts } = this.#world
    const end = this.#world.beginFault()
    const { late, lostThere, lostBack, twice, oldBatch, commitsLost } = fault
    Object.assign(sinkFaults, { late, lostThere, lostBack, twice, oldBatch })
    Object.assign(commitFaults, { lostThere: commitsLost / 2, lostBack: commitsLost / 2 })
    facts.timeline.at(fault.endAt, () => {
      Object.assign(sinkFaults, { late: 0, lostThere: 0, lostBack: 0, twice: 0, oldBatch: 0 })
      Object.assign(commitFaults, { lostThere: 0, lostBack: 0 })
      end()
    })
  }

  #stuckSink({ instance, endAt }: Of<'stuck-sink'>): void {
    this.#withProcess(instance, (process) => {
      const { facts } = this.#world
      const end = this.#world.beginFault()
      process.sink.stuck()
      process.disturb(endAt - facts.timeline.now + 1_000)
      facts.timeline.at(endAt, () => {
        this.#world.kill(process, 'with what it wrote not acknowledged')
        end()
      })
      this.#replace(instance)
    })
  }

  #edit(hookId: HookId, edit: HookEdit): void {
    const world = this.#world
    const url = world.facts.plan.hooks.find(({ id }) => id === hookId)?.url ?? ''
    switch (edit) {
      case 'move':
        return world.putHook(hookId, { config: { url: `${url}moved` } })
      case 'rotate-key':
        return world.putHook(hookId, { signingKey: 'a key that is newer than the other one' })
      case 'delete':
        return world.writeHook(hookId, null)
      case 'disable':
        return world.putHook(hookId, { enabled: false })
      case 'put-again':
        world.writeHook(hookId, null)
        return world.putHook(hookId, {})
      case 'break':
        // The owner writes an invalid record, so the hook is suspended until the next one.
        return world.putHook(hookId, { events: 'PostSignIn' })
      case 'concurrency':
        return world.putHook(hookId, { delivery: { concurrency: world.dice.int(1, 8) } })
    }
  }

  /** As `hooktide endpoints enable` and `disable` write it. */
  #changeEndpoint({ hookId, change }: Extract<InnerFault, { readonly kind: 'endpoint' }>): void {
    const world = this.#world
    const { book, log, timeline } = world.facts
    const hook = book.get(hookId)
    if (hook === undefined) return
    let known: Health | undefined
    for (const record of log.all(topics.endpoints)) {
      const decoded = decodeHealth(record)
      if (decoded.kind === 'health' && decoded.health.hookId === hookId) known = decoded.health
      if (decoded.kind === 'tombstone' && decoded.hookId === hookId) known = undefined
    }
    const cause = { instance: 'operator', at: Math.floor(worldBegan + timeline.now) }
    const health =
      change === 'enable'
        ? renewed(hook, known, { ...cause, reason: 'operator' })
        : disabledByOperator(hook, known, cause)
    if (health === undefined) return
    world.disturbed()
    world.produce([
      { topic: topics.endpoints, key: hookId, value: encodeHealth(health), headers: [] },
    ])
  }

  /** As `hooktide replay --failed-only` writes requests. */
  #replayLetters(most: number): void {
    const { log } = this.#world.facts
    const requests: OutboundRecord[] = []
    for (const record of log.all(topics.deadLetters).slice(-most)) {
      const letter = decodeDeadLetter(record)
      if (letter.kind === 'letter')
        requests.push(requestRecord(topics.requests, letter.run, 'replay'))
    }
    this.#world.produce(requests)
  }

  /** As `hooktide replay` writes requests for events of a range. */
  #replayEvents(most: number): void {
    const { log, book, chronicle } = this.#world.facts
    const requests: OutboundRecord[] = []
    for (const record of log.all(topics.events[0] ?? '').slice(-most)) {
      const decoded = decodeEvent(record)
      if (decoded.kind !== 'event') continue
      const { event } = decoded
      const { tenantId, eventSource, eventId } = event
      const sent = chronicle.eventsByPlace.get(placeOf(record))
      if (sent === undefined) continue
      for (const hookId of book.matching(sent).certain) {
        const deliveryId = deliveryIdOf(tenantId, eventSource, eventId, hookId)
        requests.push(requestRecord(topics.requests, { deliveryId, hookId, event }, 'replay'))
      }
    }
    this.#world.produce(requests)
  }

  #replace(instance: number): void {
    const world = this.#world
    const afterMs = world.dice.between(...replacedAfterMs)
    const end = world.beginFault()
    world.facts.timeline.after(afterMs, () => {
      end()
      // A planned death of the old process may not have happened yet.
      const old = world.slots[instance]
      if (old !== undefined && (old.diesAtCommit || old.diesAfterAppends !== undefined)) {
        world.kill(old, 'at last')
      }
      world.slots[instance] = world.startProcess(this.#instance(instance))
    })
  }

  /** After the faults, at least one process runs. */
  #ensureAlive(): void {
    const world = this.#world
    const isAlive = world.allProcesses.some(
      ({ state }) => state === 'running' || state === 'starting',
    )
    if (!isAlive) world.startProcess(this.#instance(0))
  }

  #instance(index: number) {
    const instance = this.#world.facts.plan.instances[index]
    if (instance === undefined) throw new RangeError(`the plan has no instance ${index}`)
    return instance
  }

  #withProcess(instance: number, act: (process: SimProcess) => void): void {
    const process = this.#world.slots[instance]
    const isThere = process?.state === 'running' || process?.state === 'starting'
    const isDoomed = process?.diesAtCommit === true || process?.diesAfterAppends !== undefined
    if (process !== undefined && isThere && !isDoomed) act(process)
  }
}
