import { describe, expect, it } from 'vitest'
import {
  isEndpointBound,
  isProcessSlow,
  mayBeStarved,
  type LaneFacts,
  type ProcessFacts,
  type CrowdFacts,
  type HoldFacts,
} from '../../../src/core/lane/endpoint-bound.ts'

type Facts = LaneFacts & HoldFacts & CrowdFacts

/** A lane that makes 40 calls a second, seen for five seconds, in a process that is idle. */
const slowLane: Facts = {
  ...{ busyMs: 5_000, perMs: 0.04, slotWaitMs: 0, ratePerSecond: undefined },
  ...{ isHeld: false, isCrowdSlow: false },
}
const idle: ProcessFacts = { busyShare: 0.2, hasFreeSlots: true, hasSinkBacklog: false }

describe('a lane', () => {
  const cases: readonly (readonly [string, Partial<Facts>, Partial<ProcessFacts>, boolean])[] = [
    ['that is slow', {}, {}, true],
    ['that has not answered for a second', { busyMs: 1_000, perMs: 0.002 }, {}, true],
    ['that never answers', { perMs: 0 }, {}, true],
    ['that was seen for less than a second', { busyMs: 999 }, {}, false],
    ['that nothing is known of', { busyMs: 0, perMs: 0 }, {}, false],
    ['unseen, of a tenant whose calls take long', { busyMs: 0, isCrowdSlow: true }, {}, true],
    ['fast, of a tenant whose calls take long', { perMs: 3, isCrowdSlow: true }, {}, false],
    [
      'unseen, of such a tenant, in a busy process',
      { busyMs: 0, isCrowdSlow: true },
      { busyShare: 1 },
      true,
    ],
    ['slow, of such a tenant, in a busy process', { isCrowdSlow: true }, { busyShare: 1 }, true],
    [
      'fast, of such a tenant, in a busy process',
      { perMs: 3, isCrowdSlow: true },
      { busyShare: 1 },
      false,
    ],
    [
      'unseen, of such a tenant, while no slot is free',
      { busyMs: 0, isCrowdSlow: true },
      { hasFreeSlots: false },
      false,
    ],
    [
      'unseen, of such a tenant, while records are not acknowledged',
      { busyMs: 0, isCrowdSlow: true },
      { hasSinkBacklog: true },
      false,
    ],
    ['that makes just under 500 calls/s', { perMs: 0.4999 }, {}, true],
    ['that makes 500 calls/s', { perMs: 0.5 }, {}, false],
    ['that makes 8,000 calls/s', { perMs: 8 }, {}, false],
    ['that is slow, in a process that is busy', {}, { busyShare: 0.9 }, false],
    ['that is slow, in a process that is nearly busy', {}, { busyShare: 0.899 }, true],
    ['that is slow, while no slot is free', {}, { hasFreeSlots: false }, false],
    ['that is slow, while records are not acknowledged', {}, { hasSinkBacklog: true }, false],
    ['unseen, of a hook with a rate limit', { busyMs: 0, perMs: 0, ratePerSecond: 10 }, {}, true],
    ['unseen, with a limit of 499/s', { busyMs: 0, perMs: 0, ratePerSecond: 499 }, {}, true],
    ['unseen, with a limit of 500/s', { busyMs: 0, perMs: 0, ratePerSecond: 500 }, {}, false],
    ['fast, with a limit that allows more', { perMs: 3, ratePerSecond: 5_000 }, {}, false],
    ['slow, with a limit that allows more', { ratePerSecond: 5_000 }, {}, true],
    ['with a rate limit, in a busy process', { ratePerSecond: 10 }, { busyShare: 1 }, false],
    ['waiting for its own share of slots for a second', { perMs: 3, slotWaitMs: 1_000 }, {}, true],
    ['waiting for less', { perMs: 3, slotWaitMs: 999 }, {}, false],
    ['whose calls are held', { busyMs: 0, isHeld: true }, {}, true],
    ['whose calls are held, in a busy process', { isHeld: true }, { busyShare: 1 }, true],
    [
      'whose calls are held, while no slot is free',
      { isHeld: true },
      { hasFreeSlots: false },
      true,
    ],
    [
      'whose calls are held, while records are not acknowledged',
      { isHeld: true },
      { hasSinkBacklog: true },
      false,
    ],
    ['waiting because no slot is free', { slotWaitMs: 9_000 }, { hasFreeSlots: false }, false],
  ]
  it.each(cases)('%s: does its endpoint limit it?', (_, lane, process, expected) => {
    expect(isEndpointBound({ ...slowLane, ...lane }, { ...idle, ...process })).toBe(expected)
  })
})

describe('a process', () => {
  const cases: readonly (readonly [string, Partial<ProcessFacts>, boolean])[] = [
    ['idle', {}, false],
    ['with its loop used for nine tenths', { busyShare: 0.9 }, true],
    ['with its loop used for less', { busyShare: 0.89 }, false],
    ['without a free slot', { hasFreeSlots: false }, true],
    ['with records that wait for their acknowledgement', { hasSinkBacklog: true }, true],
  ]
  it.each(cases)('%s: is it slow itself?', (_, facts, expected) => {
    expect(isProcessSlow({ ...idle, ...facts })).toBe(expected)
  })
})

describe('a process whose loop is used for three quarters of the time', () => {
  it('may get too little of the processor', () => {
    expect([0, 0.5, 0.74, 0.75, 1].map(mayBeStarved)).toEqual([false, false, false, true, true])
  })
})
