import { describe, expect, it } from 'vitest'
import { createRig, topics } from '../support/flow-rig.ts'

const url = 'https://a.example/'

async function rigWithHook() {
  const rig = createRig()
  rig.putHook({ id: 'a' })
  const one = await rig.start()
  return { rig, one }
}

describe('a test of a hook', () => {
  const test = {
    value: Buffer.from('{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'),
    headers: {
      'hooktide-hook-id': 'a',
      'hooktide-tenant-id': 'default',
      'hooktide-event-id': 'test-1',
      'hooktide-trigger': 'test',
    },
  }
  const forced = (id: string) => ({
    ...test,
    headers: { ...test.headers, 'hooktide-event-id': id, 'hooktide-forced': '1' },
  })

  it('makes one attempt, whatever the schedule, and leaves no dead letter', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 503)
    rig.broker.produce(topics.requests, test)
    await rig.clock.advance(60_000)
    expect(rig.results()).toMatchObject([
      { outcome: 'dead', reason: 'exhausted', attempt: 1, maxAttempts: 1, final: true },
    ])
    expect(rig.broker.read(topics.deadLetters)).toEqual([])
  })

  it('whose endpoint is not called now ends at once, since its user waits for the outcome', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    for (let index = 0; index < 5; index += 1) rig.sendEvent()
    await rig.clock.advance(10)
    rig.broker.produce(topics.requests, test)
    await rig.clock.advance(100)
    expect(rig.results().filter(({ trigger }) => trigger === 'test')).toMatchObject([
      { outcome: 'dead', reason: 'endpoint-down', attempt: null, final: true },
    ])
    expect(rig.broker.read(topics.deadLetters)).toEqual([])
  })

  it('that is forced is made though the endpoint is open, and releases nothing that waits for it', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 500)
    for (let index = 0; index < 5; index += 1) rig.sendEvent()
    await rig.clock.advance(10)
    rig.sendEvent()
    one.http.script(url, 200)
    rig.broker.produce(topics.requests, forced('test-1'))
    await rig.clock.advance(5_000)
    expect(rig.results().filter(({ trigger }) => trigger === 'test')).toMatchObject([
      { outcome: 'delivered', attempt: 1, statusCode: 200, final: true },
    ])
    expect(rig.results().filter(({ trigger }) => trigger === 'event')).not.toContainEqual(
      expect.objectContaining({ outcome: 'delivered' }),
    )
    expect(one.processor.status().endpoints).toMatchObject({ open: 1 })
  })

  it('that is forced says nothing of the endpoint, whatever is answered', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 410)
    rig.broker.produce(topics.requests, forced('test-1'))
    await rig.clock.advance(5_000)
    one.http.script(url, 500)
    for (let index = 0; index < 9; index += 1) {
      rig.broker.produce(topics.requests, forced(`again-${index}`))
    }
    await rig.clock.advance(5_000)
    expect(rig.results()).toHaveLength(10)
    expect(rig.results().every(({ attempt, outcome }) => attempt === 1 && outcome === 'dead')).toBe(
      true,
    )
    expect(one.processor.status().endpoints).toMatchObject({ disabled: 0, open: 0, failing: 0 })
  })

  it('that is forced is made though the endpoint is disabled, and leaves it so', async () => {
    const { rig, one } = await rigWithHook()
    one.http.script(url, 410)
    rig.sendEvent()
    await rig.clock.advance(10)
    one.http.script(url, 200)
    rig.broker.produce(topics.requests, forced('test-1'))
    await rig.clock.advance(5_000)
    expect(rig.results().at(-1)).toMatchObject({ trigger: 'test', outcome: 'delivered' })
    expect(one.processor.status().endpoints).toMatchObject({ disabled: 1 })
  })
})
