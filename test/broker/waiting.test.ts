import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WaitingRun } from '../../src/core/run/waiting.ts'
import { everythingWaiting, waitingOf } from '../../src/commands/waiting/waiting.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

const patience = { timeout: 15_000 }
const hour = 3_600_000

let rig: BrokerRig
let session: Parameters<typeof everythingWaiting>[0]

beforeAll(async () => {
  const { brokers } = surroundings()
  rig = await createBrokerRig({
    brokers,
    partitions: 1,
    environment: { HOOKTIDE_RETRY_SCHEDULE: '1h', HOOKTIDE_RETRY_TIERS: '1s,30m' },
    answer: ({ path }) =>
      path === '/hangs'
        ? { kind: 'hang' }
        : { kind: 'respond', status: path === '/fails' ? 500 : 204 },
  })
  session = { settings: readSettings(rig.environment), signal: new AbortController().signal }
  await rig.putHooks({ id: 'fails' }, { id: 'works' })
  await rig.run({ HOOKTIDE_TIMEOUT_MS: '60000' })
  await rig.sendEvents({ key: 'k-1', fields: { userId: 'u-1' }, headers: { 'event-id': 'e-1' } })
  await rig.results.waitFor((all) => all.length === 2)
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function all(): Promise<readonly WaitingRun[]> {
  const runs: WaitingRun[] = []
  for await (const batch of everythingWaiting(session)) runs.push(...batch)
  return runs
}

const places = async () => (await all()).map(({ hookId, place: { topic } }) => `${hookId} ${topic}`)

describe('what waits', () => {
  it('is a retry on its tier, with the time at which its next attempt is due', async () => {
    const result = (await rig.results.waitFor(() => true)).find(({ hookId }) => hookId === 'fails')
    const { deliveryId = '', nextDueAt } = result ?? {}
    await expect.poll(places, patience).toEqual([`fails ${rig.prefix}.webhook.retry.30m`])
    const found = await waitingOf(session, new Set([deliveryId, 'dlv_0000000000000000000000']))
    const [run] = found.of(deliveryId)
    expect(found.missing()).toEqual(['dlv_0000000000000000000000'])
    expect(run).toMatchObject({
      ...{ hookId: 'fails', attempt: 1, trigger: 'event', dueAt: nextDueAt, sourceKey: 'k-1' },
      place: { topic: `${rig.prefix}.webhook.retry.30m`, partition: 0, offset: 0 },
      tier: { delayMs: hour / 2 },
    })
    expect(run?.releasedAt).toBeLessThan(run?.dueAt ?? 0)
  })

  it('is told by "hooktide results" of a delivery that goes on', async () => {
    const args = ['results', '--from', 'earliest', '--event-id', 'e-1']
    const { stdout, stderr } = await hooktide(args, rig.environment)
    expect(stdout).toMatch(/ retrying .*Z \(in \d+ min\)/)
    const place = `${rig.prefix}.webhook.retry.30m/0/0`
    const row = `fails +2 +\\S+Z +(\\d+ min|\\d h) +${place}`
    expect(stderr).toMatch(new RegExp(`^WAITS NOW .*\\n\\S+ +${row}\\n$`))
    const works = ['results', '--from', 'earliest', '--delivery']
    const done = (await rig.results.waitFor(() => true)).find(({ hookId }) => hookId === 'works')
    expect(await hooktide([...works, done?.deliveryId ?? ''], rig.environment)).toMatchObject({
      stderr: '',
    })
  })

  it('is a request that is being called for, without those behind it that have ended', async () => {
    await rig.putHooks({ id: 'hangs' })
    const replay = (hook: string) =>
      hooktide(['replay', '--from', 'earliest', '--hook', hook], rig.environment)
    expect(await replay('hangs')).toMatchObject({ code: 0 })
    await rig.receiver.waitFor((requests) => requests.some(({ path }) => path === '/hangs'))
    expect(await replay('works')).toMatchObject({ code: 0 })
    await rig.results.waitFor((results) => results.some(({ trigger }) => trigger === 'replay'))
    // The commit that says so comes a moment later.
    await expect
      .poll(places, patience)
      .toEqual([`fails ${rig.prefix}.webhook.retry.30m`, `hangs ${rig.prefix}.webhook.requests`])
  })
})
