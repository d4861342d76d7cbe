import { describe, expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { surroundings } from '../support/sandbox.ts'

const keys = ['PostSignIn', 'User.Created', 'Role.Created', 'PostRegister', 'User.Deleted']
const tenants = ['default', 'acme']
const count = 5_000

interface TestHook {
  readonly id: string
  readonly events: readonly string[]
  readonly event?: string
  readonly tenantId: string
  readonly enabled?: boolean
}

describe('5,000 events over 6 partitions with mixed hooks', () => {
  it('are delivered exactly once per matching hook in the absence of faults, and results agree one to one', async () => {
    const { brokers, registryUrl } = surroundings()
    await using rig = await createBrokerRig({ brokers, registryUrl, partitions: 6 })
    const hooks: readonly TestHook[] = [
      { id: 'all', events: keys, tenantId: 'default' },
      { id: 'two', events: keys.slice(0, 2), tenantId: 'default' },
      { id: 'single', events: [], event: 'Role.Created', tenantId: 'default' },
      { id: 'off', events: keys, tenantId: 'default', enabled: false },
      { id: 'acme', events: keys.slice(1, 4), tenantId: 'acme' },
    ]
    await rig.putHooks(...hooks.map((hook) => ({ ...hook })))
    await rig.run()
    const events = Array.from({ length: count }, (_, index) => ({
      event: keys[index % keys.length] ?? '',
      tenantId: tenants[index % 3 === 0 ? 1 : 0] ?? '',
      id: `e${index}`,
      partition: index % 6,
    }))
    const expected: readonly string[] = events.flatMap(({ event, tenantId, id }) =>
      hooks
        .filter((hook) => hook.tenantId === tenantId && hook.enabled !== false)
        .filter((hook) =>
          hook.events.length > 0 ? hook.events.includes(event) : hook.event === event,
        )
        .map((hook) => `${id} ${hook.id}`),
    )
    await rig.sendEvents(
      ...events.map(({ event, tenantId, id, partition }) => ({
        fields: { event, id },
        headers: { 'event-id': id, 'tenant-id': tenantId },
        partition,
      })),
    )
    // On a machine that is slow itself some may be deferred first.
    const ended = ({ final }: { readonly final: boolean }) => final
    const all = await rig.results.waitFor((items) => items.filter(ended).length >= expected.length)
    const results = all.filter(ended)
    const received = rig.receiver.requests.map(
      ({ path, body }) => `${String(JSON.parse(body.toString()).id)} ${path.slice(1)}`,
    )
    expect(received.toSorted()).toEqual(expected.toSorted())
    expect(results.map(({ eventId, hookId }) => `${eventId} ${hookId}`).toSorted()).toEqual(
      expected.toSorted(),
    )
    expect(results.every(({ outcome, attempt }) => outcome === 'delivered' && attempt === 1)).toBe(
      true,
    )
  })
})
