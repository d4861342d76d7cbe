/** Books that agree, and books that are wrong in one way each. The comparison must find each of these. */
import { describe, expect, it } from 'vitest'
import {
  compareBooks,
  type Books,
  type CarriedRun,
  type Disturbance,
  type ReceivedRequest,
  type RecordedResult,
  type Comparison,
} from './books.ts'

const place = (offset: number) => `events/0/${offset}`

/** Events `e0` and `e1`, each for one hook: `d0` was delivered at once, `d1` with the second attempt. */
const right: Books = {
  events: [0, 1].map((n) => ({
    eventId: `e${n}`,
    place: place(n),
    at: 1_000,
    owed: [`d${n}`],
    possible: [`p${n}`],
  })),
  requests: [
    request({}),
    request({ deliveryId: 'd1', status: 500 }),
    request({ deliveryId: 'd1', attempt: 2, at: 9_000 }),
  ],
  results: [
    result({}),
    result({
      deliveryId: 'd1',
      run: place(1),
      source: place(1),
      outcome: 'retrying',
      isFinal: false,
    }),
    result({ deliveryId: 'd1', run: place(1), attempt: 2, source: 'tier/0/0' }),
  ],
  carried: [{ deliveryId: 'd1', place: 'tier/0/0', attempt: 1 }],
  letters: new Set(),
  commits: [{ group: 'g', topic: 'events', partition: 0, end: 2, offset: 2 }],
  disturbances: [],
}

function request(fields: Partial<ReceivedRequest>): ReceivedRequest {
  return {
    deliveryId: 'd0',
    attempt: 1,
    at: 2_000,
    endedAt: (fields.at ?? 2_000) + 10,
    end: 'answered',
    status: 200,
    isSigned: true,
    ...fields,
  }
}

function result(fields: Partial<RecordedResult>): RecordedResult {
  return {
    deliveryId: 'd0',
    run: place(0),
    attempt: 1,
    outcome: 'delivered',
    isFinal: true,
    source: place(0),
    instance: 'p1',
    at: 2_020,
    ...fields,
  }
}

/** A crash from 2,500 to 3,000 ms. Before it, commits had covered this many events of the partition. */
function crash(
  covered: number,
  fields: Partial<{ id: number; from: number; until: number }> = {},
): Disturbance {
  const coverage = new Map([
    ['events/0', { base: covered, ranges: [] }],
    ['tier/0', { base: 0, ranges: [] }],
  ])
  return { kind: 'crash', id: 1, fault: 4, from: 2_500, until: 3_000, coverage, ...fields }
}

function handOver(from: number, until: number): Disturbance {
  return { kind: 'hand-over', id: 1, fault: 0, from, until }
}

function compared(changes: Partial<Books>): Comparison {
  return compareBooks({ ...right, ...changes })
}

/** The faults that were found, without empty lists. */
function wrong({ faults }: Comparison): object {
  return Object.fromEntries(
    Object.entries(faults).flatMap(([name, list]: [string, readonly string[]]) =>
      list.length === 0 ? [] : [[name, list.length]],
    ),
  )
}

describe('books that agree', () => {
  it('are right, and counted', () => {
    const { isRight, faults, counts } = compareBooks(right)
    expect(wrong({ faults } as Comparison)).toEqual({})
    expect(isRight).toBe(true)
    expect(counts).toMatchObject({ events: 2, owed: 2, requests: 3, results: 3, repeats: 0 })
    expect([...counts.endings]).toEqual([['delivered', 2]])
  })

  it('require no delivery to passing hooks, and allow those that are made', () => {
    const made = {
      requests: [...right.requests, request({ deliveryId: 'p0' })],
      results: [...right.results, result({ deliveryId: 'p0' })],
    }
    expect(wrong(compared(made))).toEqual({})
  })
})

describe('books that do not agree', () => {
  const without = <Item extends { readonly deliveryId: string }>(
    list: readonly Item[],
    id: string,
  ) => list.filter(({ deliveryId }) => deliveryId !== id)

  it.each<[string, Partial<Books>, object]>([
    [
      'an event without a call and a record is lost',
      { requests: without(right.requests, 'd0'), results: without(right.results, 'd0') },
      { lost: 1 },
    ],
    [
      'a run with a call and without a record is stuck, and the call is unrecorded',
      { results: without(right.results, 'd0') },
      { stuck: 1, unrecorded: 1 },
    ],
    [
      'a run whose last record is not final is stuck',
      { results: right.results.slice(0, 2), requests: right.requests.slice(0, 2) },
      { stuck: 1 },
    ],
    [
      'a run of a passing hook that a record continues is stuck without a final record',
      {
        carried: [
          ...right.carried,
          { deliveryId: 'p1', place: 'tier/0/1', attempt: 0 } satisfies CarriedRun,
        ],
      },
      { stuck: 1 },
    ],
    [
      'a call for an event that was never produced is invented',
      { requests: [...right.requests, request({ deliveryId: 'x' })] },
      { invented: 1, unrecorded: 1 },
    ],
    [
      'a result for an event that was never produced is invented',
      { results: [...right.results, result({ deliveryId: 'x', outcome: 'discarded' })] },
      { invented: 1 },
    ],
    [
      'a run that did not begin with its event is invented',
      { results: [...right.results, result({ run: place(7) })] },
      { invented: 1 },
    ],
    [
      'a delivered result without an answered request is unbacked',
      {
        requests: right.requests.map((one) =>
          one.deliveryId === 'd0' ? { ...one, status: 500 } : one,
        ),
      },
      { unbacked: 1 },
    ],
    [
      'a dead run without a dead letter is found',
      {
        results: right.results.map((one) =>
          one.deliveryId === 'd0' ? { ...one, outcome: 'dead' } : one,
        ),
      },
      { withoutLetter: 1 },
    ],
    [
      'an invalid signature is found',
      { requests: right.requests.map((one) => ({ ...one, isSigned: false })) },
      { unsigned: 3 },
    ],
    [
      'a commit below the end is found',
      { commits: [{ group: 'g', topic: 'events', partition: 0, end: 2, offset: 1 }] },
      { uncommitted: 1 },
    ],
    [
      'a partition without a commit is found',
      { commits: [{ group: 'g', topic: 'events', partition: 0, end: 2, offset: undefined }] },
      { uncommitted: 1 },
    ],
  ])('%s', (_, changes, expected) => {
    const found = compared(changes)
    expect(wrong(found)).toEqual(expected)
    expect(found.isRight).toBe(false)
  })
})

describe('a call that is made again', () => {
  const again = (fields: Partial<ReceivedRequest> = {}) => ({
    requests: [...right.requests, request({ at: 8_000, ...fields })],
  })

  it('is in excess when nothing explains it', () => {
    expect(wrong(compared(again()))).toEqual({ excess: 1 })
  })

  it('is explained by a crash before which no commit covered its event, and is counted for that crash', () => {
    const found = compared({ ...again(), disturbances: [crash(0)] })
    expect(wrong(found)).toEqual({})
    expect(found.repeats.get(1)).toEqual({ repeated: 1, exposed: 2 })
  })

  it('is in excess when a commit covered its event before the crash, by its offset or by its metadata', () => {
    expect(wrong(compared({ ...again(), disturbances: [crash(1)] }))).toEqual({ excess: 1 })
    const coverage = new Map([['events/0', { base: 0, ranges: [{ from: 0, to: 1 }] }]])
    const above = { ...crash(0), coverage } as Disturbance
    expect(wrong(compared({ ...again(), disturbances: [above] }))).toEqual({ excess: 1 })
  })

  it('is in excess when the uncovered record leads to another attempt', () => {
    const requests = [...right.requests, request({ deliveryId: 'd1', attempt: 2, at: 12_000 })]
    const later = { from: 9_500, until: 9_600 }
    const tierIsCovered = new Map([
      ['events/0', { base: 0, ranges: [] }],
      ['tier/0', { base: 1, ranges: [] }],
    ])
    const covering = { ...crash(0, later), coverage: tierIsCovered } as Disturbance
    expect(wrong(compared({ requests, disturbances: [covering] }))).toEqual({ excess: 1 })
    expect(wrong(compared({ requests, disturbances: [crash(2, later)] }))).toEqual({})
  })

  it('is in excess when the crash came after it, or was over before the first call', () => {
    const later = crash(0, { from: 8_001, until: 9_000 })
    expect(wrong(compared({ ...again(), disturbances: [later] }))).toEqual({ excess: 1 })
    const before = crash(0, { from: 1_000, until: 1_999 })
    expect(wrong(compared({ ...again(), disturbances: [before] }))).toEqual({ excess: 1 })
  })

  it('is explained once by a crash, and a second time only by another crash', () => {
    const twice = { requests: [...right.requests, request({ at: 8_000 }), request({ at: 8_500 })] }
    expect(wrong(compared({ ...twice, disturbances: [crash(0)] }))).toEqual({ excess: 1 })
    const both = [crash(0), crash(0, { id: 2, from: 8_100, until: 8_200 })]
    expect(wrong(compared({ ...twice, disturbances: both }))).toEqual({})
  })

  it('is explained by a crash before both calls where two records led to them', () => {
    const copies = { results: [...right.results, result({ source: 'requests/0/3' })] }
    const before = [crash(0, { from: 1_000, until: 1_999 })]
    expect(wrong(compared({ ...again(), ...copies, disturbances: before }))).toEqual({})
  })

  it('is explained by an overlapping hand-over only if the first call and its record took over two seconds', () => {
    const disturbances = [handOver(3_000, 6_000)]
    const long = (endedAt: number | undefined, recordedAt = (endedAt ?? 9_000) + 10) =>
      wrong(
        compared({
          requests: [request({ endedAt }), ...right.requests.slice(1), request({ at: 8_000 })],
          results: [result({ at: recordedAt }), ...right.results.slice(1), result({ at: 8_020 })],
          disturbances,
        }),
      )
    expect(long(4_100)).toEqual({})
    expect(long(undefined)).toEqual({})
    expect(long(3_900)).toEqual({ excess: 1 })
    expect(long(2_900)).toEqual({ excess: 1 })
    expect(long(2_010, 4_100)).toEqual({})
    expect(long(2_010, 3_900)).toEqual({ excess: 1 })
  })

  it('is explained once when the receiver closed the first connection without an answer', () => {
    const cut = { end: 'cut', status: undefined } as const
    const requests = [request(cut), ...right.requests.slice(1), request({ at: 2_020, ...cut })]
    expect(wrong(compared({ requests: [...requests, request({ at: 2_030 })] }))).toEqual({
      excess: 1,
    })
    const once = [request(cut), ...right.requests.slice(1), request({ at: 2_020 })]
    expect(wrong(compared({ requests: once }))).toEqual({})
  })

  it('is explained by the previous attempt, if the repeat of that is explained', () => {
    const requests = [
      ...right.requests,
      request({ deliveryId: 'd1', at: 4_000, status: 500 }),
      request({ deliveryId: 'd1', attempt: 2, at: 12_000 }),
    ]
    const covered = new Map([
      ['events/0', { base: 1, ranges: [] }],
      ['tier/0', { base: 1, ranges: [] }],
    ])
    const found = compared({
      requests,
      disturbances: [{ ...crash(0), coverage: covered } as Disturbance],
    })
    expect(wrong(found)).toEqual({})
    expect(found.counts).toMatchObject({ repeats: 2, followUps: 1 })
  })
})

describe('a call without a record of its own', () => {
  it('is explained by a crash, if no commit covered it before', () => {
    const others = {
      requests: [...right.requests, request({ deliveryId: 'd1', attempt: 3 })],
      carried: [...right.carried, { deliveryId: 'd1', place: 'tier/0/1', attempt: 2 }],
    }
    expect(wrong(compared(others))).toEqual({ unrecorded: 1 })
    expect(wrong(compared({ ...others, disturbances: [crash(0)] }))).toEqual({})
  })
})
