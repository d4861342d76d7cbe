import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heard, quietMs, type Account } from '../../../src/core/notice/account.ts'
import type { Health } from '../../../src/core/health/record.ts'
import { endpointStates, type EndpointState } from '../../../src/core/model/record-values.ts'
import { healthOf } from '../../support/endpoints.ts'

const minute = 60_000
const hour = 60 * minute

/** What is told of records in this order, in short. */
function toldOf(records: readonly Partial<Health>[]): readonly (string | undefined)[] {
  let account: Account | undefined
  return records.map((fields) => {
    const next = heard(account, healthOf(fields))
    account = next.account
    return next.key?.replace(/^Hooktide\.Endpoint\./, '')
  })
}

/** States that follow each other, an hour between each two. */
function hourly(...states: readonly EndpointState[]): readonly Partial<Health>[] {
  return states.map((state, index) => ({ state, at: index * hour }))
}

describe('the owner of an endpoint', () => {
  it.each<[string, readonly EndpointState[], readonly (string | undefined)[]]>([
    [
      'each state once, and the recovery',
      ['failing', 'open', 'disabled'],
      ['Failing', 'Open', 'Disabled'],
    ],
    ['the recovery of what was told', ['failing', 'healthy'], ['Failing', 'Recovered']],
    ['nothing of a pause', ['paused', 'healthy', 'paused'], [undefined, undefined, undefined]],
    [
      'nothing of a pause between',
      ['open', 'paused', 'open', 'healthy'],
      ['Open', undefined, undefined, 'Recovered'],
    ],
    [
      'nothing that was told already',
      ['failing', 'failing', 'open', 'open'],
      ['Failing', undefined, 'Open', undefined],
    ],
    ['nothing milder', ['open', 'failing', 'open'], ['Open', undefined, undefined]],
    ['nothing of one that is well', ['healthy', 'healthy'], [undefined, undefined]],
    [
      'of the next failure after a recovery',
      ['open', 'healthy', 'open'],
      ['Open', 'Recovered', 'Open'],
    ],
  ])('is told %s', (_, states, told) => {
    expect(toldOf(hourly(...states))).toEqual(told)
  })

  it('is told nothing by a record that does not count, such as a failure of a disabled endpoint', () => {
    const records: Partial<Health>[] = [
      { state: 'disabled', at: 0, enableEpoch: 2 },
      { state: 'healthy', at: hour, enableEpoch: 1 },
      { state: 'open', at: 2 * hour, enableEpoch: 2 },
      { state: 'healthy', at: 3 * hour, enableEpoch: 3 },
    ]
    expect(toldOf(records)).toEqual(['Disabled', undefined, undefined, 'Recovered'])
  })

  it('is told of an endpoint that comes and goes once in a while, and of a disabled one at once', () => {
    const [failing, healthy, open, disabled] = (
      ['failing', 'healthy', 'open', 'disabled'] as const
    ).map((state) => (at: number) => ({ state, at }))
    const records = [
      failing?.(0),
      healthy?.(minute),
      failing?.(2 * minute),
      healthy?.(3 * minute),
      open?.(4 * minute),
      open?.(minute + quietMs),
      healthy?.(20 * minute),
      disabled?.(21 * minute),
    ].filter((record) => record !== undefined)
    expect(toldOf(records)).toEqual([
      ...['Failing', 'Recovered', undefined, undefined, undefined],
      ...['Open', 'Recovered', 'Disabled'],
    ])
  })

  it('is told of a failure also when a clock was set back', () => {
    const records = [
      { state: 'failing', at: 100 * hour },
      { state: 'healthy', at: 101 * hour },
      { state: 'failing', at: hour },
    ] as const
    expect(toldOf(records)).toEqual(['Failing', 'Recovered', 'Failing'])
  })

  it('is told at most four things in ten minutes, whatever happens', () => {
    const record = fc.record({
      state: fc.constantFrom(...endpointStates.filter((state) => state !== 'disabled')),
      afterMs: fc.integer({ min: 0, max: quietMs }),
    })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (steps) => {
        let at = 0
        const records = steps.map(({ state, afterMs }) => ({ state, at: (at += afterMs) }))
        const told = toldOf(records)
        const times = records.filter((_, index) => told[index] !== undefined).map(({ at: t }) => t)
        for (const start of times) {
          const within = times.filter((time) => time >= start && time - start < quietMs)
          expect(within.length).toBeLessThanOrEqual(4)
        }
      }),
    )
  })
})
