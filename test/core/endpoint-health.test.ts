import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  disabled,
  failed,
  freshEndpoint,
  heard,
  hookSeen,
  laneMoved,
  said,
  seedOf,
  succeeded,
  wordOf,
  type Endpoint,
} from '../../src/core/endpoint-health.ts'
import { endpointOf, renewed, supersedes, type Health } from '../../src/core/endpoint-record.ts'
import { healthOf, hook, rules } from '../support/endpoints.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

function failedTimes(count: number, everyMs: number, from: Endpoint = freshEndpoint): Endpoint {
  let endpoint = from
  for (let index = 0; index < count; index += 1) {
    endpoint = failed(endpoint, hook, (index + 1) * everyMs, rules)
  }
  return endpoint
}

/** Says what is to be said. */
function spoken(endpoint: Endpoint, at: number): { word: Health | undefined; endpoint: Endpoint } {
  const word = wordOf(endpoint, hook, at, rules)
  return { word, endpoint: said(endpoint, word) }
}

const open = { kind: 'open', until: 30 * second } as const
const flowing = { kind: 'flowing' } as const

describe('an endpoint', () => {
  it('is failing after three failed attempts in a row, and healthy after a success', () => {
    expect(failedTimes(2, minute).toSay).toBeUndefined()
    const failing = spoken(failedTimes(3, minute), 3 * minute)
    expect(failing.word).toMatchObject({
      state: 'failing',
      reason: 'failures',
      failures: 3,
      failingSince: minute,
      lastFailureAt: 3 * minute,
      since: 3 * minute,
      endpoint: endpointOf(hook.url),
      instance: 'one',
      at: 3 * minute,
    })
    const well = spoken(succeeded(failing.endpoint, 4 * minute, rules), 4 * minute)
    expect(well.word).toMatchObject({
      state: 'healthy',
      reason: 'recovered',
      failures: 0,
      failingSince: null,
      lastSuccessAt: 4 * minute,
    })
  })

  it('is not spoken of when it came back before anything was said', () => {
    const back = succeeded(failedTimes(3, second), 4 * second, rules)
    expect(spoken(back, 5 * second).word).toBeUndefined()
  })

  it('is open or paused as its lane is, and every new time is told', () => {
    const opened = spoken(laneMoved(failedTimes(5, second), open, 5 * second), 5 * second)
    expect(opened.word).toMatchObject({ state: 'open', until: 30 * second, since: 5 * second })
    const longer = laneMoved(opened.endpoint, { kind: 'open', until: hour }, 31 * second)
    const again = spoken(longer, 31 * second)
    expect(again.word).toMatchObject({ state: 'open', until: hour, since: 5 * second })
    const paused = laneMoved(again.endpoint, { kind: 'paused', until: 2 * hour }, hour)
    expect(spoken(paused, hour).word).toMatchObject({
      state: 'paused',
      reason: 'retry-after',
      until: 2 * hour,
    })
  })

  it('that goes on failing is told of again once an hour', () => {
    const { endpoint } = spoken(failedTimes(3, second), 3 * second)
    const soon = failed(endpoint, hook, 59 * minute, rules)
    expect(soon.toSay).toBeUndefined()
    expect(spoken(failed(soon, hook, 61 * minute, rules), 61 * minute).word).toMatchObject({
      failures: 5,
      failingSince: second,
    })
  })

  it('is disabled at once when it says that it is gone', () => {
    const gone = disabled(failedTimes(1, second), hook, {
      reason: 'gone',
      at: second,
      instance: 'one',
    })
    expect(gone.known).toMatchObject({ state: 'disabled', reason: 'gone', enableEpoch: 0 })
    expect(gone.toSay).toBe('known')
  })

  it('is disabled when twenty failed attempts span five days without a success', () => {
    expect(failedTimes(19, 7 * hour).known?.state).toBeUndefined()
    expect(failedTimes(25, 5 * hour).known?.state).toBe('disabled')
    expect(failedTimes(24, 5 * hour).known?.state).toBeUndefined()
    expect(failedTimes(25, 5 * hour).known).toMatchObject({
      reason: 'failing-for-days',
      failures: 25,
    })
  })

  it('is not disabled by its first failures after weeks of rest, however old the one before is', () => {
    const once = failed(freshEndpoint, hook, 0, rules)
    let endpoint = once
    for (let index = 0; index < 30; index += 1) {
      endpoint = failed(endpoint, hook, 21 * day + index * minute, rules)
    }
    expect(endpoint.known).toBeUndefined()
    expect(endpoint.failingSince).toBe(21 * day)
  })

  it('is not disabled when any instance had a success between', () => {
    const long = failedTimes(24, 5 * hour)
    const told = heard(long, healthOf({ lastSuccessAt: 4 * day, state: 'open', until: 5 * day }))
    expect(failed(told, hook, 5 * day + hour, rules).known?.state).toBe('open')
  })

  it('goes on where another process stood: failures and their beginning survive a restart', () => {
    const word = healthOf({
      state: 'failing',
      failures: 19,
      failingSince: hour,
      lastFailureAt: 4 * day,
    })
    const restarted = heard(freshEndpoint, word)
    expect(failed(restarted, hook, 5 * day + hour, rules).known?.state).toBe('disabled')
  })

  it('that is disabled stays so, whatever is said of the time before', () => {
    const gone = heard(freshEndpoint, healthOf({ state: 'disabled', reason: 'operator' }))
    const stale = heard(gone, healthOf({ state: 'healthy' }))
    expect(stale.known?.state).toBe('disabled')
    expect(stale.toSay).toBe('known')
    expect(succeeded(gone, 1, rules).known?.state).toBe('disabled')
    expect(laneMoved(gone, open, 1).known?.state).toBe('disabled')
  })

  it('begins anew with a higher epoch', () => {
    const gone = heard(failedTimes(25, 5 * hour), healthOf({ state: 'disabled' }))
    const enabled = heard(
      gone,
      renewed(hook, gone.known, { reason: 'operator', instance: 'cli', at: 6 * day }),
    )
    expect(enabled).toMatchObject({ failures: 0, told: 'healthy', toSay: undefined })
    expect(enabled.known).toMatchObject({ state: 'healthy', enableEpoch: 1 })
  })

  it('begins anew when its hook comes with another URL, but not with an older record', () => {
    const gone = heard(freshEndpoint, healthOf({ state: 'disabled' }))
    const moved = { ...hook, url: 'https://elsewhere.example/', configVersion: '0-8' }
    expect(hookSeen(gone, moved, day, rules).known).toMatchObject({
      state: 'healthy',
      reason: 'url-changed',
      enableEpoch: 1,
      endpoint: endpointOf(moved.url),
      configVersion: '0-8',
    })
    expect(hookSeen(gone, { ...hook, configVersion: '0-9' }, day, rules)).toBe(gone)
    expect(hookSeen(gone, { ...moved, configVersion: '0-6' }, day, rules)).toBe(gone)
    expect(hookSeen(freshEndpoint, moved, day, rules)).toBe(freshEndpoint)
  })

  it('of which another instance says that it is open or paused seeds a lane until then', () => {
    const paused = heard(freshEndpoint, healthOf({ state: 'paused', until: hour }))
    expect(seedOf(paused, minute)).toEqual({ kind: 'paused', until: hour })
    expect(seedOf(paused, hour)).toEqual(flowing)
    expect(seedOf(heard(freshEndpoint, healthOf({ state: 'failing' })), 0)).toEqual(flowing)
    expect(seedOf(freshEndpoint, 0)).toEqual(flowing)
  })

  it('that was failing before a restart is healthy with the first success', () => {
    const restarted = heard(
      freshEndpoint,
      healthOf({ state: 'open', until: hour, failingSince: 1 }),
    )
    expect(spoken(succeeded(restarted, 2 * hour, rules), 2 * hour).word?.state).toBe('healthy')
  })
})

/** The topic: what was written, in order. Instances read it when they are told to. */
class Instances {
  readonly log: Health[] = []
  readonly #endpoints: Endpoint[]
  readonly #read: number[]
  readonly #saidAt: number[]

  constructor(count: number) {
    this.#endpoints = Array<Endpoint>(count).fill(freshEndpoint)
    this.#read = Array<number>(count).fill(0)
    this.#saidAt = Array<number>(count).fill(Number.NEGATIVE_INFINITY)
  }

  of(index: number): Endpoint {
    return this.#endpoints[index] ?? freshEndpoint
  }

  change(index: number, change: (endpoint: Endpoint) => Endpoint): void {
    this.#endpoints[index] = change(this.of(index))
  }

  read(index: number): void {
    for (const health of this.log.slice(this.#read[index])) {
      this.change(index, (endpoint) => heard(endpoint, health))
    }
    this.#read[index] = this.log.length
  }

  say(index: number, now: number): void {
    if (now - (this.#saidAt[index] ?? 0) < 10 * second) return
    const instance = `instance ${index}`
    const word = wordOf(this.of(index), hook, now, { ...rules, instance })
    this.change(index, (endpoint) => said(endpoint, word))
    if (word === undefined) return
    this.log.push(word)
    this.#saidAt[index] = now
  }
}

describe('two instances with opposite experience of an endpoint', () => {
  it('do not fight over a week, and the endpoint is not disabled', () => {
    const both = new Instances(2)
    const end = 7 * day
    let until = 0
    for (let now = 10 * second; now < end; now += 30 * second) {
      both.change(0, (endpoint) => succeeded(endpoint, now, { ...rules, instance: 'instance 0' }))
      if (now >= until) {
        until = now + 30 * minute
        const own = { ...rules, instance: 'instance 1' }
        both.change(1, (endpoint) => failed(endpoint, hook, now, own))
        both.change(1, (endpoint) => laneMoved(endpoint, { kind: 'open', until }, now))
      }
      for (const index of [0, 1]) {
        both.say(index, now)
        both.read(index)
      }
      expect(both.of(0).known?.state).not.toBe('disabled')
    }
    // The one that fails says so with each probe, every half hour, and the other marks its success once an hour.
    expect(both.log.length).toBeLessThan(7 * (48 + 24) + 10)
    expect(both.log.filter(({ state }) => state === 'healthy').length).toBeLessThanOrEqual(1)
  })

  it('end with a healthy word when the one that failed is heard of no more', () => {
    const both = new Instances(2)
    both.change(1, (endpoint) => failedTimes(3, second, endpoint))
    both.say(1, 3 * second)
    both.change(0, (endpoint) => succeeded({ ...endpoint, hasSamples: true }, second, rules))
    both.read(0)
    for (let now = minute; now < 4 * hour; now += minute) {
      both.change(0, (endpoint) => succeeded(endpoint, now, rules))
      both.say(0, now)
    }
    expect(both.log.at(-1)?.state).toBe('healthy')
    expect(both.log.length).toBeLessThan(6)
  })
})

describe('any number of instances', () => {
  const actions = [
    'fail',
    'fail',
    'succeed',
    'gone',
    'open',
    'read',
    'read',
    'say',
    'say',
    'enable',
  ] as const
  const step = fc.record({
    index: fc.nat({ max: 3 }),
    action: fc.constantFrom(...actions),
    passMs: fc.constantFrom(0, second, 15 * second, hour),
  })

  it('agree in the end on what compaction leaves, and the newest beginning counts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const all = new Instances(4)
        let now = 0
        for (const { index, action, passMs } of steps) {
          now += passMs
          act(all, index, action, now)
        }
        const epoch = Math.max(0, ...all.log.map(({ enableEpoch }) => enableEpoch))
        now = settle(all, now)
        const last = all.log.at(-1)
        for (const index of [0, 1, 2, 3]) {
          const { known } = all.of(index)
          expect([known?.state, known?.enableEpoch]).toEqual([last?.state, last?.enableEpoch])
        }
        expect(last?.enableEpoch ?? 0).toBe(epoch)
        const length = all.log.length
        for (const index of [0, 1, 2, 3]) all.say(index, now + minute)
        expect(all.log.length).toBe(length)
      }),
      { numRuns: 300 },
    )
  })
})

/** Everyone says what is left to say, and reads it. Returns the time when that is over. */
function settle(all: Instances, from: number): number {
  let now = from
  for (let round = 0; round < 8; round += 1) {
    now += 15 * second
    for (const index of [0, 1, 2, 3]) all.say(index, now)
    for (const index of [0, 1, 2, 3]) all.read(index)
  }
  return now
}

type Action = 'fail' | 'succeed' | 'gone' | 'open' | 'read' | 'say' | 'enable'

function act(all: Instances, index: number, action: Action, at: number): void {
  const own = { ...rules, instance: `instance ${index}` }
  switch (action) {
    case 'fail':
      return all.change(index, (endpoint) => failed(endpoint, hook, at, own))
    case 'succeed':
      return all.change(index, (endpoint) => succeeded(endpoint, at, own))
    case 'gone':
      return all.change(index, (endpoint) =>
        disabled(endpoint, hook, { reason: 'gone', at, instance: own.instance }),
      )
    case 'open':
      return all.change(index, (endpoint) =>
        laneMoved(endpoint, { kind: 'open', until: at + 30 * second }, at),
      )
    case 'read':
      return all.read(index)
    case 'say':
      return all.say(index, at)
    case 'enable':
      all.log.push(renewed(hook, newest(all.log), { reason: 'operator', instance: 'cli', at }))
  }
}

/** What a reader of the whole topic takes for true. */
function newest(log: readonly Health[]): Health | undefined {
  return log.reduce<Health | undefined>(
    (best, health) => (supersedes(health, best) ? health : best),
    undefined,
  )
}
