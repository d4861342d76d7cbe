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
  reportsRecovery,
  reportOf,
  type Endpoint,
  type HookFacts,
} from '../../../src/core/health/health.ts'
import { endpointOf, renewed, type Health } from '../../../src/core/health/record.ts'
import { healthOf, hook, rules } from '../../support/endpoints.ts'

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

/** Writes the report that is due. */
function withReport(
  endpoint: Endpoint,
  at: number,
): { report: Health | undefined; endpoint: Endpoint } {
  const report = reportOf(endpoint, hook, at, rules)
  return { report, endpoint: reportWritten(endpoint, report) }
}

/** The fields of a hook that a report has. */
function factsOf({ url, configVersion }: HookFacts): Partial<Health> {
  return { endpoint: endpointOf(url), configVersion }
}

const open = { kind: 'open', endsAt: 30 * second } as const

describe('an endpoint', () => {
  it('is failing after three failed attempts in a row, and healthy after a success', () => {
    expect(failedTimes(2, minute).hasUnreported).toBe(false)
    const failing = withReport(failedTimes(3, minute), 3 * minute)
    expect(failing.report).toMatchObject({
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
    const well = withReport(succeeded(failing.endpoint, 4 * minute, rules), 4 * minute)
    expect(well.report).toMatchObject({
      state: 'healthy',
      reason: 'recovered',
      failures: 0,
      failingSince: null,
      lastSuccessAt: 4 * minute,
    })
  })

  it('is not reported when it recovered before a report was written', () => {
    const back = succeeded(failedTimes(3, second), 4 * second, rules)
    expect(withReport(back, 5 * second).report).toBeUndefined()
  })

  it('is open or paused as its lane is, and every new time is reported', () => {
    const opened = withReport(laneMoved(failedTimes(5, second), open, 5 * second), 5 * second)
    expect(opened.report).toMatchObject({ state: 'open', until: 30 * second, since: 5 * second })
    const longer = laneMoved(opened.endpoint, { kind: 'open', endsAt: hour }, 31 * second)
    const again = withReport(longer, 31 * second)
    expect(again.report).toMatchObject({ state: 'open', until: hour, since: 5 * second })
    const paused = laneMoved(again.endpoint, { kind: 'paused', endsAt: 2 * hour }, hour)
    expect(withReport(paused, hour).report).toMatchObject({
      state: 'paused',
      reason: 'retry-after',
      until: 2 * hour,
    })
  })

  it('that keeps failing is reported again once an hour', () => {
    const { endpoint } = withReport(failedTimes(3, second), 3 * second)
    const soon = failed(endpoint, hook, 59 * minute, rules)
    expect(soon.hasUnreported).toBe(false)
    expect(withReport(failed(soon, hook, 61 * minute, rules), 61 * minute).report).toMatchObject({
      failures: 5,
      failingSince: second,
    })
  })

  it('is disabled at once when it answers 410', () => {
    const gone = disabled(failedTimes(1, second), hook, {
      reason: 'gone',
      at: second,
      instance: 'one',
    })
    expect(gone.known).toMatchObject({ state: 'disabled', reason: 'gone', enableEpoch: 0 })
    expect(withReport(gone, second).report).toBe(gone.known)
  })

  it('is disabled when twenty failed attempts span five days without a success', () => {
    expect(failedTimes(19, 7 * hour).known).toBeUndefined()
    expect(failedTimes(25, 5 * hour).known?.state).toBe('disabled')
    expect(failedTimes(24, 5 * hour).known).toBeUndefined()
    expect(failedTimes(25, 5 * hour).known).toMatchObject({
      reason: 'failing-for-days',
      failures: 25,
    })
  })

  it('is not disabled by its first failures after idle weeks, however old the previous failure is', () => {
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
    const reported = reportRead(
      long,
      healthOf({ lastSuccessAt: 4 * day, state: 'open', until: 5 * day }),
    )
    expect(failed(reported, hook, 5 * day + hour, rules).known?.state).toBe('open')
  })

  it('continues the tally of another process: failures and their beginning survive a restart', () => {
    const report = healthOf({
      state: 'failing',
      failures: 19,
      failingSince: hour,
      lastFailureAt: 4 * day,
    })
    const restarted = reportRead(freshEndpoint, report)
    expect(failed(restarted, hook, 5 * day + hour, rules).known?.state).toBe('disabled')
  })

  it('that is disabled stays so, whatever is reported about the time before', () => {
    const gone = reportRead(freshEndpoint, healthOf({ state: 'disabled', reason: 'operator' }))
    const stale = reportRead(gone, healthOf({ state: 'healthy' }))
    expect(stale.known?.state).toBe('disabled')
    expect(withReport(stale, 1).report).toBe(gone.known)
    expect(succeeded(gone, 1, rules).known?.state).toBe('disabled')
    expect(laneMoved(gone, open, 1).known?.state).toBe('disabled')
  })

  it('starts again with a higher epoch', () => {
    const gone = reportRead(failedTimes(25, 5 * hour), healthOf({ state: 'disabled' }))
    const enabled = reportRead(
      gone,
      renewed(hook, gone.known, { reason: 'operator', instance: 'cli', at: 6 * day }),
    )
    expect(enabled).toMatchObject({
      failures: 0,
      reportedState: 'healthy',
      isKnownUnwritten: false,
    })
    expect(enabled.known).toMatchObject({ state: 'healthy', enableEpoch: 1 })
  })

  it('starts again when its hook gets another URL, but not with an older record', () => {
    const gone = reportRead(freshEndpoint, healthOf({ state: 'disabled' }))
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

  it('has recovered when another instance’s report was written, or read long, after its lane opened', () => {
    const opened = laneMoved(failedTimes(5, second), open, minute)
    const recovered = (at: number, report: Partial<Health>) =>
      reportsRecovery(opened, healthOf(report), at, rules)
    expect(recovered(minute + 2, { at: minute + 1 })).toBe(true)
    expect(recovered(minute + 2, { at: minute - 1 })).toBe(false)
    expect(recovered(2 * minute, { at: minute - 1 })).toBe(true)
    expect(recovered(2 * minute, { at: 2 * minute, instance: 'one' })).toBe(false)
    expect(recovered(2 * minute, { at: 2 * minute, state: 'failing' })).toBe(false)
    const disabledOne = reportRead(opened, healthOf({ state: 'disabled' }))
    expect(reportsRecovery(disabledOne, healthOf({ at: 2 * minute }), 2 * minute, rules)).toBe(
      false,
    )
    expect(reportsRecovery(freshEndpoint, healthOf({ at: 0 }), 0, rules)).toBe(true)
  })

  it('is healthy with a success after the end of its pause', () => {
    const paused = laneMoved(freshEndpoint, { kind: 'paused', endsAt: minute }, second)
    const reported = withReport(failed(paused, hook, second, rules), second)
    expect(reported.report).toMatchObject({ state: 'paused', until: minute, failures: 1 })
    const early = succeeded(reported.endpoint, 30 * second, rules)
    expect(withReport(early, 30 * second).report).toBeUndefined()
    const after = succeeded(reported.endpoint, 61 * second, rules)
    expect(withReport(after, 61 * second).report).toMatchObject({
      state: 'healthy',
      failingSince: null,
    })
  })

  it('that fails after the end of its pause is failing, since it has not recovered', () => {
    const paused = laneMoved(freshEndpoint, { kind: 'paused', endsAt: minute }, second)
    const { endpoint } = withReport(failed(paused, hook, second, rules), second)
    const after = failed(endpoint, hook, 2 * minute, rules)
    expect(withReport(after, 2 * minute).report).toMatchObject({ state: 'failing', until: null })
  })

  it('is healthy with a success though its lane was forgotten while it was open', () => {
    const opened = withReport(laneMoved(failedTimes(5, second), open, 5 * second), 5 * second)
    const later = succeeded(opened.endpoint, 2 * day, rules)
    expect(withReport(later, 2 * day).report?.state).toBe('healthy')
    const late = succeeded(opened.endpoint, 20 * second, rules)
    expect(withReport(late, 20 * second).report).toBeUndefined()
  })

  it('is not reported twice without a change, and is reported again when it fails again', () => {
    const reported = withReport(failedTimes(3, second), 3 * second)
    const again = failedTimes(3, 2 * second, succeeded(reported.endpoint, second, rules))
    expect(withReport(again, 8 * second).report).toMatchObject({
      state: 'failing',
      failingSince: 2 * second,
      lastSuccessAt: second,
    })
    const opened = withReport(laneMoved(reported.endpoint, open, 5 * second), 5 * second)
    const same = laneMoved(failed(opened.endpoint, hook, 6 * second, rules), open, 6 * second)
    expect(withReport(same, 6 * second).report).toBeUndefined()
  })

  it('that is healthy is the same object after a success', () => {
    const well = withReport(succeeded(failedTimes(3, second), minute, rules), minute).endpoint
    expect(succeeded(well, hour, rules)).toBe(well)
    const reported = reportRead(well, healthOf({ state: 'failing', failingSince: minute }))
    expect(succeeded(reported, hour, rules)).not.toBe(reported)
  })

  it('is not judged by an instance that reads the hook topic late', () => {
    const moved = { ...hook, url: 'https://elsewhere.example/', configVersion: '0-8' }
    const renewed = reportRead(
      failedTimes(3, second),
      healthOf({ enableEpoch: 1, ...factsOf(moved) }),
    )
    expect(withReport(failedTimes(3, second, renewed), hour).report).toBeUndefined()
    expect(disabled(renewed, hook, { reason: 'gone', at: hour, instance: 'one' })).toBe(renewed)
    expect(failedTimes(30, 5 * hour, renewed).known?.state).toBe('healthy')
  })

  it('starts again when a late instance reports its former URL, in one partition', () => {
    const moved = { ...hook, url: 'https://elsewhere.example/', configVersion: '0-8' }
    const late = reportRead(freshEndpoint, healthOf({ state: 'disabled', reason: 'gone' }))
    expect(hookKnown(late, moved, day, rules).known).toMatchObject({
      state: 'healthy',
      enableEpoch: 1,
    })
    const elsewhere = { ...moved, configVersion: '1-3' }
    expect(hookKnown(late, elsewhere, day, rules)).toBe(late)
    expect(hookSeen(late, elsewhere, day, rules).known?.enableEpoch).toBe(1)
  })

  it('that was failing before a restart is healthy with the first success', () => {
    const restarted = reportRead(
      freshEndpoint,
      healthOf({ state: 'open', until: hour, failingSince: 1 }),
    )
    expect(withReport(succeeded(restarted, 2 * hour, rules), 2 * hour).report?.state).toBe(
      'healthy',
    )
  })
})

/** The failures at the end of a row that are evidence of each other: none lies two days from the one before. */
function lastFailures(times: readonly number[]): readonly number[] {
  let first = times.length - 1
  while (first > 0 && (times[first] ?? 0) - (times[first - 1] ?? 0) <= 48 * hour) first -= 1
  return times.slice(Math.max(0, first))
}

describe('any row of attempts', () => {
  const attempt = fc.record({
    isFailure: fc.nat({ max: 60 }).map((one) => one > 0),
    passMs: fc.constantFrom(minute, hour, 4 * hour, 6 * hour, 12 * hour, 48 * hour, 49 * hour),
  })
  const row = fc.array(attempt, { minLength: 15, maxLength: 60, size: 'max' })

  it('disables with the first failure that completes twenty over five days, and never otherwise', () => {
    const seen = { disabled: 0, not: 0 }
    const holds = fc.property(row, (attempts) => {
      let endpoint = freshEndpoint
      let failures: number[] = []
      let isDisabled = false
      let now = 0
      for (const { isFailure, passMs } of attempts) {
        now += passMs
        failures = isFailure ? [...failures, now] : []
        endpoint = isFailure ? failed(endpoint, hook, now, rules) : succeeded(endpoint, now, rules)
        const counted = lastFailures(failures)
        isDisabled ||= counted.length >= 20 && now - (counted[0] ?? now) >= 5 * day
        expect(endpoint.known?.state === 'disabled').toBe(isDisabled)
        expect(endpoint.failures).toBe(counted.length)
      }
      seen[isDisabled ? 'disabled' : 'not'] += 1
    })
    fc.assert(holds, { numRuns: 300 })
    expect(Math.min(seen.disabled, seen.not)).toBeGreaterThan(3)
  })
})

describe('a claim of the next probe', () => {
  const report = healthOf({
    state: 'open',
    reason: 'failures',
    since: 5,
    until: 40 * minute,
    failures: 7,
    failingSince: 1,
    lastFailureAt: 5,
    at: 10 * minute,
  })
  const claim = { at: 15 * minute, until: 40 * minute + 7 }

  it('repeats the report of another process with the new prober, by its own clock', () => {
    const endpoint = claimed(reportRead(freshEndpoint, report), claim, rules)
    expect(withReport(endpoint, 15 * minute).report).toEqual({
      ...report,
      instance: 'one',
      ...claim,
    })
  })

  it('is not made for the process’s own report, nor when nothing is open', () => {
    for (const said of [
      { ...report, instance: 'one' },
      { ...report, state: 'failing' as const },
    ]) {
      const endpoint = reportRead(freshEndpoint, said)
      expect(claimed(endpoint, claim, rules)).toBe(endpoint)
    }
  })

  it('is not made by a process that the endpoint answers', () => {
    const well = succeeded(reportRead(freshEndpoint, report), 12 * minute, rules)
    const endpoint = reportRead(reportWritten(well, undefined), { ...report, at: 13 * minute })
    expect(claimed(endpoint, claim, rules)).toBe(endpoint)
  })
})
