import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate } from 'node:timers/promises'
import { queryObjects } from 'node:v8'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AttemptResult } from '../../../src/core/model/model.ts'
import type { FetchedBatch, InnerGroup } from '../../../src/edge/kafka/inner.ts'
import { MemberFetching } from '../../../src/edge/kafka/member-fetching.ts'
import { MemberLife } from '../../../src/edge/kafka/member-life.ts'
import { systemClock } from '../../../src/edge/system-clock.ts'
import { RefusalWatch } from '../../../src/edge/kafka/refusal-watch.ts'
import { send, useSender } from '../../support/http-calls.ts'
import { settingsOf, silentLog } from '../../support/kafka-tools.ts'
import { useReceiver } from '../../support/receiver.ts'

const longMs = 3_600_000

/** A member of one partition with one record, and one round of its fetch loop. */
function makeMember(
  idleMs: number,
  { isPaused, onBatch = () => undefined }: { readonly isPaused: boolean; onBatch?: () => void },
) {
  const positions = {
    resolvedOffsets: { events: { 0: '5' } },
    resolveOffset: () => undefined,
  }
  const message = { offset: '5', timestamp: '0', key: null, value: null }
  const batch: FetchedBatch = {
    topic: 'events',
    partition: 0,
    fetchedOffset: '5',
    highWatermark: '6',
    rawMessages: [message],
    messages: [message],
  }
  const life = new MemberLife(() => undefined)
  const settings = settingsOf([])
  const refusals = new RefusalWatch({ settings, rights: [], log: silentLog, fields: {} })
  const context = { life, refusals, log: silentLog, fields: { groupId: 'group' } }
  const handler = { batch: onBatch, outOfRange: () => undefined }
  const fetching = new MemberFetching(context, handler, idleMs)
  const group = {
    offsetManager: positions,
    seekOffset: new Map(),
    preferredReadReplicasPerTopicPartition: {},
    assigned: () => [{ topic: 'events', partitions: [0] }],
    isPaused: () => isPaused,
    cluster: {
      brokerPool: { metadata: null, metadataExpireAt: null },
      refreshMetadata: () => Promise.resolve(),
    },
  } as unknown as InnerGroup
  return {
    life,
    fetching,
    group,
    fetch: () => fetching.fetch(group, '1', () => Promise.resolve([batch])),
  }
}

function refused(): Error {
  return Object.assign(new Error('not the leader'), { type: 'NOT_LEADER_FOR_PARTITION' })
}

describe('the fetch loop of a member', () => {
  it('keeps nothing of its waits while all partitions are paused, which may take days', async () => {
    const member = makeMember(4, { isPaused: true })
    const before = queryObjects(Promise, { format: 'count' })
    for (let round = 0; round < 100; round += 1) await member.fetch()
    expect(queryObjects(Promise, { format: 'count' }) - before).toBeLessThan(50)
  })

  it('goes on at once when a partition is resumed', async () => {
    const member = makeMember(longMs, { isPaused: true })
    const waiting = member.fetch()
    await setImmediate()
    member.fetching.wake()
    expect(await waiting).toEqual([])
  })

  it('goes on at once when the member is stopped while it waits', async () => {
    const member = makeMember(longMs, { isPaused: true })
    const waiting = member.fetch()
    await setImmediate()
    member.life.stop()
    member.fetching.wake()
    expect(await waiting).toEqual([])
  })

  it('lets the calls of the records that it hands over be written before the next fetch, on kept connections as well', async () => {
    const order: string[] = []
    const onHeaders = () => void order.push('call')
    subscribe('undici:client:sendHeaders', onHeaders)
    onTestFinished(() => void unsubscribe('undici:client:sendHeaders', onHeaders))
    const receiver = await useReceiver()
    const sender = useSender()
    const call = () => send(sender, receiver.origin)
    await call()
    const answered = Promise.withResolvers<AttemptResult>()
    const onBatch = () => systemClock.soon(() => answered.resolve(call()))
    const member = makeMember(longMs, { isPaused: false, onBatch })
    await member.fetch()
    order.push('next fetch')
    await answered.promise
    expect(order).toEqual(['call', 'call', 'next fetch'])
  })

  it('does not wait after a failed fetch once the member is stopped', async () => {
    const member = makeMember(longMs, { isPaused: false })
    const recovering = member.fetching.recover(member.group, refused(), () => Promise.reject())
    member.life.stop()
    expect(await recovering).toBeUndefined()
  })
})
