import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Heartbeat } from '../../../src/edge/kafka/heartbeat.ts'
import type { InnerGroup } from '../../../src/edge/kafka/inner.ts'
import { MemberJoining } from '../../../src/edge/kafka/member-joining.ts'
import { MemberLife } from '../../../src/edge/kafka/member-life.ts'
import { RefusalWatch } from '../../../src/edge/kafka/refusal-watch.ts'
import { settingsOf, silentLog } from '../../support/kafka-tools.ts'

const withoutRebalance = Promise.withResolvers<void>().promise

/** A member, of whose group the coordinator lists the members when the test says so. */
function makeMember() {
  const life = new MemberLife(() => undefined)
  const refusals = new RefusalWatch({
    settings: settingsOf([]),
    rights: [],
    log: silentLog,
    fields: {},
  })
  const context = { life, refusals, log: silentLog, fields: { groupId: 'group' } }
  const told: string[] = []
  const handler = {
    onRebalance: (mayLose: boolean) => {
      told.push(mayLose ? 'rebalance' : 'rebalance that takes nothing')
      return withoutRebalance
    },
    beforeRejoin: () => Promise.resolve(),
    joined: () => Promise.resolve(() => void told.push('joined')),
  }
  const evictions: (() => void)[] = []
  const heartbeat = {
    follow() {
      const { promise, resolve } = Promise.withResolvers<void>()
      evictions.push(resolve)
      return promise
    },
  } as unknown as Heartbeat
  const lists: ((members: readonly string[]) => void)[] = []
  const describeGroups = () =>
    new Promise((resolve) => {
      lists.push((members) =>
        resolve({
          groups: [{ state: 'Stable', members: members.map((memberId) => ({ memberId })) }],
        }),
      )
    })
  const group = {
    groupId: 'group',
    memberId: 'me' as string | null,
    generationId: 1,
    leaderId: 'me',
    offsetManager: { resolvedOffsets: {} },
    coordinator: { describeGroups },
    assigned: () => [],
  }
  const inner = group as unknown as InnerGroup
  const joining = new MemberJoining(context, handler, heartbeat)
  return {
    joining,
    group,
    told,
    join: () => joining.join(inner, () => Promise.resolve()),
    evict: () => evictions.shift()?.(),
    async list(...members: readonly string[]): Promise<void> {
      lists.shift()?.(members)
      await setImmediate()
    },
  }
}

describe('a member that hears of a rebalance', () => {
  it('tells whether others have joined, which may get its partitions', async () => {
    const { joining, join, list, told } = makeMember()
    await join()
    await list('me')
    void joining.prepare()
    await list('me', 'another')
    expect(told).toEqual(['joined', 'rebalance'])
  })

  it('tells nothing if it was dropped and has joined again before the members are listed', async () => {
    const { joining, join, list, evict, group, told } = makeMember()
    await join()
    await list('me')
    const prepared = joining.prepare()
    evict()
    await prepared
    Object.assign(group, { memberId: null })
    const joined = join()
    Object.assign(group, { memberId: 'me again', generationId: 3 })
    await joined
    await list('me again')
    expect(told).toEqual(['joined', 'joined'])
  })
})
