/** Several instances that share reports about one endpoint on the topic. The test decides when each one reads. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  claimed,
  disabled,
  failed,
  freshEndpoint,
  reportRead,
  hookKnown,
  hookSeen,
  laneMoved,
  reportWritten,
  succeeded,
  reportOf,
  type Endpoint,
  type HealthRules,
  type HookFacts,
} from '../../../src/core/health/health.ts'
import { endpointOf, renewed, supersedes, type Health } from '../../../src/core/health/record.ts'
import { hook, rules } from '../../support/endpoints.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

class Instance {
  endpoint: Endpoint = freshEndpoint
  hook: HookFacts = hook
  readonly rules: HealthRules
  /** Records read of each topic. */
  readonly read = { reports: 0, hooks: 1 }
  reportedAt = Number.NEGATIVE_INFINITY

  constructor(index: number) {
    this.rules = { ...rules, instance: `instance ${index}` }
  }
}

/** Both topics as logs, and what each instance makes of them. */
class World {
  readonly reports: Health[] = []
  readonly hooks: HookFacts[] = [hook]
  readonly instances: readonly Instance[]

  constructor(count: number) {
    this.instances = Array.from({ length: count }, (_, index) => new Instance(index))
  }

  of(index: number): Instance {
    const instance = this.instances[index]
    if (instance === undefined) throw new RangeError(`there is no instance ${index}`)
    return instance
  }

  succeed(index: number, at: number): void {
    const one = this.of(index)
    one.endpoint = succeeded(one.endpoint, at, one.rules)
  }

  fail(index: number, at: number): void {
    const one = this.of(index)
    one.endpoint = failed(one.endpoint, one.hook, at, one.rules)
  }

  open(index: number, until: number, at: number): void {
    const one = this.of(index)
    one.endpoint = laneMoved(one.endpoint, { kind: 'open', endsAt: until }, at)
  }

  readWords(index: number, at: number): void {
    const one = this.of(index)
    for (const report of this.reports.slice(one.read.reports)) {
      one.endpoint = hookKnown(reportRead(one.endpoint, report), one.hook, at, one.rules)
    }
    one.read.reports = this.reports.length
  }

  readHooks(index: number, at: number): void {
    const one = this.of(index)
    for (const changed of this.hooks.slice(one.read.hooks)) {
      one.hook = changed
      if (one.endpoint.known === undefined) one.endpoint = freshEndpoint
      one.endpoint = hookSeen(one.endpoint, changed, at, one.rules)
    }
    one.read.hooks = this.hooks.length
  }

  say(index: number, at: number): void {
    const one = this.of(index)
    if (at - one.reportedAt < 10 * second) return
    const report = reportOf(one.endpoint, one.hook, at, one.rules)
    one.endpoint = reportWritten(one.endpoint, report)
    if (report === undefined) return
    this.reports.push(report)
    one.reportedAt = at
  }

  /** Writes the hook's record. */
  put(url: string): void {
    this.hooks.push({ ...hook, url, configVersion: `0-${7 + this.hooks.length}` })
  }

  get newestHook(): HookFacts {
    return this.hooks.at(-1) ?? hook
  }

  /** The state that a reader of the whole topic gets. */
  get newestReport(): Health | undefined {
    return this.reports.reduce<Health | undefined>(
      (best, report) => (supersedes(report, best) ? report : best),
      undefined,
    )
  }
}

describe('two instances with opposite experience of an endpoint', () => {
  it('do not fight over a week, and the endpoint is not disabled', () => {
    const both = new World(2)
    let until = 0
    for (let now = 10 * second; now < 7 * day; now += 30 * second) {
      both.succeed(0, now)
      if (now >= until) {
        until = now + 30 * minute
        both.fail(1, now)
        both.open(1, until, now)
      }
      for (const index of [0, 1]) {
        both.say(index, now)
        both.readWords(index, now)
        expect(both.of(index).endpoint.known?.state).not.toBe('disabled')
      }
    }
    // The one that fails says so with each probe, every half hour, and the other marks its success once an hour.
    expect(both.reports.length).toBeLessThan(7 * (48 + 24) + 10)
    expect(both.reports.filter(({ state }) => state === 'healthy').length).toBeLessThanOrEqual(1)
  })

  it('do not fight either when one fails without its lane opening', () => {
    const both = new World(2)
    for (let now = 10 * second; now < 7 * day; now += 10 * minute) {
      both.succeed(0, now)
      both.fail(1, now)
      for (const index of [0, 1]) {
        both.say(index, now + index)
        both.readWords(index, now + index)
        expect(both.of(index).endpoint.known?.state).not.toBe('disabled')
      }
    }
    expect(both.reports.length).toBeLessThan(7 * (24 + 24) + 10)
    expect(both.reports.filter(({ state }) => state === 'healthy').length).toBeLessThanOrEqual(1)
  })

  it('end with a healthy report when the failing one writes no more reports', () => {
    const both = new World(2)
    for (const at of [1, 2, 3]) both.fail(1, at * second)
    both.say(1, 3 * second)
    both.of(0).endpoint = { ...freshEndpoint, hasSamples: true }
    both.readWords(0, 3 * second)
    for (let now = minute; now < 4 * hour; now += minute) {
      both.succeed(0, now)
      both.say(0, now)
    }
    expect(both.reports.at(-1)?.state).toBe('healthy')
    expect(both.reports.length).toBeLessThan(6)
  })
})

type Act = (world: World, index: number, at: number) => void

/** The report of an operator, who reads both topics first. */
const operator = { reason: 'operator', instance: 'cli' } as const

const acts = {
  fail: (world, index, at) => world.fail(index, at),
  succeed: (world, index, at) => world.succeed(index, at),
  gone(world, index, at) {
    const one = world.of(index)
    const { instance } = one.rules
    one.endpoint = disabled(one.endpoint, one.hook, { reason: 'gone', at, instance })
  },
  open: (world, index, at) => world.open(index, at + 30 * second, at),
  claim(world, index, at) {
    const one = world.of(index)
    one.endpoint = claimed(one.endpoint, { at, until: at + 30 * second }, one.rules)
  },
  read: (world, index, at) => world.readWords(index, at),
  readHooks: (world, index, at) => world.readHooks(index, at),
  say: (world, index, at) => world.say(index, at),
  enable(world, _, at) {
    world.reports.push(renewed(world.newestHook, world.newestReport, { ...operator, at }))
  },
  disable(world, _, at) {
    const before = { ...freshEndpoint, known: world.newestReport }
    const { known } = disabled(before, world.newestHook, { ...operator, at })
    if (known !== undefined) world.reports.push(known)
  },
  move: (world) => world.put(`https://receiver.example/${world.hooks.length}`),
  putAgain: (world) => world.put(world.newestHook.url),
} as const satisfies Record<string, Act>
type Action = keyof typeof acts

const indices = [0, 1, 2, 3]
/** Some more often than others. */
const actions: readonly Action[] = [
  ...(['fail', 'read', 'say'] as const),
  ...(Object.keys(acts) as Action[]),
]

function stepsOf(allowed: readonly Action[]) {
  const step = fc.record({
    index: fc.constantFrom(...indices),
    action: fc.constantFrom(...allowed),
    passMs: fc.constantFrom(0, second, 15 * second, hour),
  })
  return fc.array(step, { maxLength: 100, size: 'max' })
}

type Steps = ReturnType<typeof stepsOf> extends fc.Arbitrary<infer Value> ? Value : never

/** Writes and reads the remaining reports of all instances. */
function settledAfter(steps: Steps): { readonly world: World; readonly late: number } {
  const world = new World(indices.length)
  let now = 0
  for (const { index, action, passMs } of steps) {
    now += passMs
    acts[action](world, index, now)
  }
  return { world, late: settle(world, now) }
}

/** All instances read everything and write their reports, until none has one. Returns how many were written. */
function settle(world: World, from: number): number {
  const before = world.reports.length
  for (let round = 1; round <= 12; round += 1) {
    const now = from + round * 15 * second
    for (const index of indices) world.readHooks(index, now)
    for (const index of indices) world.say(index, now)
    for (const index of indices) world.readWords(index, now)
  }
  const settled = world.reports.length
  for (const index of indices) world.say(index, from + hour)
  expect(world.reports.length).toBe(settled)
  return settled - before
}

describe('any number of instances', () => {
  it('agree in the end on what compaction leaves, and write no more', () => {
    const holds = fc.property(stepsOf(actions), (steps) => {
      const { world, late } = settledAfter(steps)
      // What was left to say, and one answer of each to each that had it wrong.
      expect(late).toBeLessThanOrEqual(4 * indices.length)
      const last = world.reports.at(-1)
      expect(world.newestReport).toEqual(last)
      for (const { endpoint } of world.instances) expect(endpoint.known).toEqual(last)
      if (last !== undefined) expect(last.endpoint).toBe(endpointOf(world.newestHook.url))
    })
    fc.assert(holds, { numRuns: 1_000 })
  })

  it('enable only what an operator enabled or what has another URL', () => {
    const others = actions.filter((action) => action !== 'enable' && action !== 'move')
    const holds = fc.property(stepsOf(others), (steps) => {
      const { reports } = settledAfter(steps).world
      expect(reports.every(({ enableEpoch }) => enableEpoch === 0)).toBe(true)
      if (reports.some(({ state }) => state === 'disabled')) {
        expect(reports.at(-1)?.state).toBe('disabled')
      }
    })
    fc.assert(holds, { numRuns: 300 })
  })
})
