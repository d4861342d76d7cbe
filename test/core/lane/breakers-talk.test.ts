/** Several processes whose lanes call one endpoint and share reports about it. */
import { describe, expect, it } from 'vitest'
import {
  latencyMs,
  talkFor,
  timeoutMs,
  type Talk,
  type TalkOptions,
} from '../../support/talkers.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
/** How long a waiting process waits at most beyond the reported time. */
const longestGraceMs = 2 * (timeoutMs + 10 * second)
/** When all lanes have opened, and each has probed at most once by itself. */
const settledAt = 2 * minute

/** The endpoint fails from the beginning. */
function outage(lastMs: number, options: Partial<TalkOptions> & { processes: number }): Talk {
  return talkFor(lastMs, { isUp: () => false, ...options })
}

function probesOf({ calls }: Talk, from = settledAt, to = Number.POSITIVE_INFINITY) {
  return calls.filter(({ at }) => at >= from && at < to)
}

/** Times between one probe and the next. */
function gapsOf(talk: Talk): readonly number[] {
  const times = probesOf(talk).map(({ at }) => at)
  return times.slice(1).map((at, index) => at - (times[index] ?? 0))
}

describe('an endpoint that is open', () => {
  it('is probed by one process only, at the time at which a lone process would probe', () => {
    const { calls } = outage(hour, { processes: 1 })
    const opened = (calls[4]?.at ?? 0) + 250
    const probes = calls.slice(5).map(({ at }) => at - opened)
    expect(probes).toHaveLength(3)
    const due = [30 * second, 330 * second, 2_130 * second]
    probes.forEach((at, index) => {
      expect(at - (due[index] ?? 0)).toBeGreaterThanOrEqual(0)
      // A delivery comes once a second, and each call before took a step.
      expect(at - (due[index] ?? 0)).toBeLessThan(4 * second)
    })
  })

  it('is probed by one process after 5 min and then every 30 min', () => {
    expect(probesOf(outage(6 * hour, { processes: 1 }))).toHaveLength(12)
  })

  it.each([
    [2, 100],
    [3, 100],
    [5, 100],
    [3, timeoutMs],
    [5, timeoutMs],
  ])(
    'is probed hardly more often by %d processes together, with calls of %d ms',
    (processes, callMs) => {
      const probes = probesOf(outage(6 * hour, { processes, callMs }))
      expect(probes.length).toBeGreaterThanOrEqual(11)
      // Each time that another has its turn, one period is cut short.
      expect(probes.length).toBeLessThanOrEqual(16)
    },
  )

  it('is probed by no process more than twice before another has its turn', () => {
    const probers = probesOf(outage(6 * hour, { processes: 3 })).map(({ process }) => process)
    const threes = probers.filter(
      (one, place) => one === probers[place - 1] && one === probers[place - 2],
    )
    expect(threes).toEqual([])
  })

  it('is probed by another process when the one that probed has crashed, and then by that one only', () => {
    const processes = 5
    const before = probesOf(outage(2 * hour, { processes }))
    const prober = before.at(-1)?.process
    const diesAt = (process: number) => (process === prober ? 2 * hour : Number.POSITIVE_INFINITY)
    const talk = outage(6 * hour, { processes, diesAt })
    expect(Math.max(...gapsOf(talk))).toBeLessThan(30 * minute + longestGraceMs + 2 * second)
    const after = probesOf(talk, 2 * hour)
    expect(after.length).toBeLessThanOrEqual(11)
    expect(after.length).toBeGreaterThanOrEqual(7)
    expect(after.map(({ process }) => process)).not.toContain(prober)
  })

  it('is probed by another process when no delivery comes to the one that probed', () => {
    const processes = 3
    const prober = probesOf(outage(2 * hour, { processes })).at(-1)?.process
    const quietFrom = (process: number) => (process === prober ? 2 * hour : 6 * hour)
    const talk = outage(6 * hour, { processes, quietFrom })
    expect(Math.max(...gapsOf(talk))).toBeLessThan(30 * minute + longestGraceMs + 2 * second)
    expect(probesOf(talk, 2 * hour).length).toBeLessThanOrEqual(11)
  })

  it('is probed by each process, at most a grace period late, when no report can be written', () => {
    const talk = outage(6 * hour, { processes: 3, isTopicAwayFrom: hour })
    for (const process of [0, 1, 2]) {
      const times = probesOf(talk, hour)
        .filter((call) => call.process === process)
        .map(({ at }) => at)
      const gaps = times.map((at, index) => at - (times[index - 1] ?? hour))
      expect(Math.max(...gaps)).toBeLessThan(30 * minute + longestGraceMs + 2 * second)
      expect(times.length).toBeLessThanOrEqual(10)
    }
  })

  it.each([-day, -hour, -minute, minute, hour, day])(
    'is probed in time, and at most twice a period, when a clock is %d ms off',
    (aheadMs) => {
      const processes = 3
      const talk = outage(6 * hour, { processes, aheadMs: (index) => (index === 1 ? aheadMs : 0) })
      expect(Math.max(...gapsOf(talk))).toBeLessThan(30 * minute + longestGraceMs + 2 * second)
      expect(probesOf(talk).length).toBeLessThanOrEqual(2 * 13)
    },
  )
})

describe('a recovery', () => {
  // At 40 min the one that finds it has its turn while the one before waits for its own next time.
  it.each([30 * second, 4 * minute, 40 * minute, 3 * hour])(
    'that one process finds makes all others probe within about a second, after %d ms',
    (recoversAt) => {
      const isUp = (at: number) => at >= recoversAt
      const { calls } = talkFor(recoversAt + 35 * minute, { processes: 5, isUp, everyMs: 250 })
      const found = calls.find((call) => call.isUp)
      expect(found).toBeDefined()
      const firsts = [0, 1, 2, 3, 4].map((process) =>
        calls.find((call) => call.isUp && call.process === process),
      )
      const end = (found?.at ?? 0) + 250 + latencyMs + second + 250
      for (const first of firsts) expect(first?.at).toBeLessThanOrEqual(end)
      expect(new Set(firsts.map((first) => first?.at)).size).toBeGreaterThanOrEqual(3)
    },
  )

  it.each([2, 5])('is found though the one of %d that probes cannot see it', (processes) => {
    const recoversAt = 3 * hour
    const prober = probesOf(outage(recoversAt, { processes })).at(-1)?.process
    const isUp = (at: number, process: number) => process !== prober && at >= recoversAt
    const { calls } = talkFor(6 * hour, { processes, isUp })
    for (let process = 0; process < processes; process += 1) {
      if (process === prober) continue
      const first = calls.find((call) => call.isUp && call.process === process)
      expect(first?.at).toBeLessThan(recoversAt + hour + longestGraceMs)
    }
  })

  it('that only one process can see makes the other probe too, and they do not answer each other’s reports for a week', () => {
    const { calls, reports } = talkFor(7 * day, {
      processes: 2,
      isUp: (at, process) => process === 0 && at >= 2 * hour,
      everyMs: 30 * second,
      stepMs: 5 * second,
    })
    const probes = calls.filter(({ process, at }) => process === 1 && at >= 2 * hour)
    expect(probes.length).toBeLessThan(7 * 48 + 10)
    expect(probes.length).toBeGreaterThan(7 * 46)
    expect(reports.length).toBeLessThan(7 * (48 + 24) + 10)
    expect(reports.filter(({ state }) => state === 'healthy').length).toBeLessThanOrEqual(1)
  })
})
