import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assign, type MemberClaim, type OwnedPartition } from '../../../src/edge/kafka/assignor.ts'

const member = (
  memberId: string,
  topics: readonly string[],
  owned: readonly string[] = [],
  generation = 1,
): MemberClaim => ({ memberId, topics, owned: owned.map(partitionOf), generation })

/** `topic-3` as a partition. */
function partitionOf(name: string): OwnedPartition {
  const dash = name.lastIndexOf('-')
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) }
}

const namesOf = (partitions: readonly OwnedPartition[] | undefined): readonly string[] =>
  (partitions ?? []).map(({ topic, partition }) => `${topic}-${partition}`)

/** Members with their partitions as names, to look at and to compare. */
function assigned(members: readonly MemberClaim[], counts: Readonly<Record<string, number>>) {
  const result = assign(members, new Map(Object.entries(counts)))
  return Object.fromEntries([...result].map(([id, partitions]) => [id, namesOf(partitions)]))
}

describe('the assignor', () => {
  it('gives a lone member everything it subscribes to', () => {
    expect(assigned([member('m', ['t', 'u'])], { t: 2, u: 1 })).toEqual({
      m: ['t-0', 't-1', 'u-0'],
    })
  })

  it('moves only what a new member needs', () => {
    const before = ['t-0', 't-1', 't-2', 't-3']
    const result = assigned([member('old', ['t'], before), member('new', ['t'], [], -1)], { t: 4 })
    expect(result).toEqual({ old: ['t-0', 't-1'], new: ['t-2', 't-3'] })
  })

  it('leaves the others alone when a member is gone', () => {
    const result = assigned(
      [member('a', ['t'], ['t-0', 't-1']), member('b', ['t'], ['t-4', 't-5'])],
      { t: 6 },
    )
    expect(result['a']).toEqual(expect.arrayContaining(['t-0', 't-1']))
    expect(result['b']).toEqual(expect.arrayContaining(['t-4', 't-5']))
  })

  it('gives an added topic only to those who subscribe to it', () => {
    const result = assigned([member('old', ['t']), member('new', ['t', 'added'])], {
      t: 2,
      added: 3,
    })
    expect(result['old']).toEqual([expect.stringMatching(/^t-/)])
    expect(namesOf(result['new']?.map(partitionOf))).toEqual(
      expect.arrayContaining(['added-0', 'added-1', 'added-2']),
    )
  })

  it('takes a dropped topic away from a member that still claims it', () => {
    const result = assigned([member('a', ['t'], ['t-0', 'u-0']), member('b', ['u'])], {
      t: 1,
      u: 1,
    })
    expect(result).toEqual({ a: ['t-0'], b: ['u-0'] })
  })

  it('believes the newest generation when two claim the same partition', () => {
    const zombie = member('a', ['t'], ['t-0', 't-1'], 3)
    const owner = member('b', ['t'], ['t-0'], 4)
    expect(assigned([zombie, owner], { t: 2 })).toEqual({ a: ['t-1'], b: ['t-0'] })
  })

  it('does not move a partition between topics when totals are even already', () => {
    const members = [
      member('a', ['t', 'u', 'v'], ['t-0', 'u-0']),
      member('b', ['t', 'u', 'v'], ['v-0']),
    ]
    expect(assigned(members, { t: 1, u: 1, v: 1 })).toEqual({ a: ['t-0', 'u-0'], b: ['v-0'] })
  })

  it('spreads single-partition topics over the members', () => {
    const topics = ['t', 'u', 'v', 'w']
    const result = assigned([member('a', topics), member('b', topics)], { t: 1, u: 1, v: 1, w: 1 })
    expect(Object.values(result).map((partitions) => partitions.length)).toEqual([2, 2])
  })

  it('ignores claims of partitions and topics that do not exist', () => {
    expect(assigned([member('a', ['t', 'gone'], ['t-7', 'gone-0'])], { t: 1 })).toEqual({
      a: ['t-0'],
    })
  })

  it('leaves a topic without subscribers unassigned', () => {
    expect(assigned([member('a', ['t'])], { t: 1, u: 1 })).toEqual({ a: ['t-0'] })
  })
})

const topicNames = ['t', 'u', 'v', 'w']
const anyCounts = fc.record(Object.fromEntries(topicNames.map((topic) => [topic, fc.nat(9)])))
const anyOwned = fc.array(
  fc.record({ topic: fc.constantFrom(...topicNames), partition: fc.nat(10) }),
  { maxLength: 12 },
)
const anyMembers = (anyTopics: fc.Arbitrary<readonly string[]>) =>
  fc
    .uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })
    .chain((ids) =>
      fc.tuple(
        ...ids.map((memberId) =>
          fc.record({
            memberId: fc.constant(memberId),
            topics: anyTopics,
            owned: anyOwned,
            generation: fc.nat(3),
          }),
        ),
      ),
    )
const anyTopics = fc.subarray(topicNames)
const allTopics = fc.constant(topicNames)

describe('the assignor, for any members', () => {
  it('gives each partition of a subscribed topic to exactly one of its subscribers', () => {
    fc.assert(
      fc.property(anyMembers(anyTopics), anyCounts, (members, counts) => {
        const result = assign(members, new Map(Object.entries(counts)))
        const given = [...result].flatMap(([id, list]) =>
          namesOf(list).map((name) => ({ id, name })),
        )
        const wanted = Object.entries(counts)
          .filter(([topic]) => members.some((one) => one.topics.includes(topic)))
          .flatMap(([topic, count]) =>
            Array.from({ length: count }, (_, index) => `${topic}-${index}`),
          )
        expect(given.map(({ name }) => name).toSorted()).toEqual(wanted.toSorted())
        for (const { id, name } of given) {
          expect(members.find((one) => one.memberId === id)?.topics).toContain(
            partitionOf(name).topic,
          )
        }
      }),
    )
  })

  it('is even within one per topic, and in all when everyone subscribes to the same', () => {
    fc.assert(
      fc.property(anyMembers(allTopics), anyCounts, (members, counts) => {
        const result = assign(members, new Map(Object.entries(counts)))
        const spread = (sizes: readonly number[]) => Math.max(...sizes) - Math.min(...sizes)
        expect(spread([...result.values()].map((list) => list.length))).toBeLessThanOrEqual(1)
        for (const topic of topicNames) {
          const sizes = [...result.values()].map(
            (list) => list.filter((one) => one.topic === topic).length,
          )
          expect(spread(sizes)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('changes nothing when nothing changed', () => {
    fc.assert(
      fc.property(anyMembers(anyTopics), anyCounts, (members, counts) => {
        const partitionCounts = new Map(Object.entries(counts))
        const first = assign(members, partitionCounts)
        const again = members.map((one) => ({
          ...one,
          owned: first.get(one.memberId) ?? [],
          generation: 9,
        }))
        expect(assign(again, partitionCounts)).toEqual(first)
      }),
    )
  })

  it('does not depend on the order in which members and topics are named', () => {
    fc.assert(
      fc.property(anyMembers(anyTopics), anyCounts, (members, counts) => {
        const forward = assign(members, new Map(Object.entries(counts)))
        const backward = assign(members.toReversed(), new Map(Object.entries(counts).toReversed()))
        expect(backward).toEqual(forward)
      }),
    )
  })

  it('moves nothing between members that stay when one joins or leaves a topic', () => {
    fc.assert(
      fc.property(
        anyMembers(fc.constant(['t'])),
        fc.integer({ min: 1, max: 20 }),
        (members, count) => {
          const counts = new Map([['t', count]])
          const after = assign(members, counts)
          const holding = members.map((one) => ({
            ...one,
            owned: after.get(one.memberId) ?? [],
            generation: 9,
          }))
          const joined = assign([...holding, member('newcomer', ['t'], [], -1)], counts)
          const left = assign(holding.slice(1), counts)
          for (const one of holding.slice(1)) {
            const owned = namesOf(one.owned)
            expect(owned).toEqual(expect.arrayContaining([...namesOf(joined.get(one.memberId))]))
            expect(namesOf(left.get(one.memberId))).toEqual(expect.arrayContaining([...owned]))
          }
        },
      ),
    )
  })
})
