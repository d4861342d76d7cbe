/** `hooktide monitor` as a process: on a real broker, with running processors, by way of its API. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { isJsonObject, type JsonObject } from '../../src/core/text/json-text.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide, startMonitor } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'
import { tailTopic } from '../support/topic-tail.ts'

const json = { 'content-type': 'application/json' }

function textsOf(fields: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
}

async function ask(url: string): Promise<unknown> {
  return await (await fetch(url)).json()
}

describe('hooktide monitor', () => {
  it('answers why a user of a customer got no webhook, and sends it again', async () => {
    const { brokers, registryUrl } = surroundings()
    let isBroken = true
    await using rig = await createBrokerRig({
      brokers,
      registryUrl,
      answer: () => (isBroken ? { kind: 'respond', status: 410 } : undefined),
    })
    await rig.putHooks({ id: 'customer' })
    await rig.run()
    const monitor = startMonitor(rig.environment, ['--actions'])
    onTestFinished(async () => void (await monitor.stop()))
    const origin = await monitor.origin
    await rig.sendEvents({ headers: { 'event-id': 'e1' }, fields: { userId: 'u1' } })
    const found = await vi.waitUntil(
      async () => {
        const list = await ask(`${origin}/api/events?eventId=e1`)
        return Array.isArray(list) && list.length > 0 ? list : undefined
      },
      { timeout: 60_000, interval: 100 },
    )
    expect(found).toMatchObject([
      { deliveries: [{ hookId: 'customer', outcome: 'dead', reason: 'gone' }] },
    ])
    const [{ deliveries }] = found
    const path = `${origin}/api/deliveries/${deliveries[0].deliveryId}`
    const sent = await ask(`${path}/request`)
    expect(isJsonObject(sent) && JSON.parse(String(sent['body']))).toMatchObject({
      hookId: 'customer',
    })

    isBroken = false
    const enabled = await fetch(`${origin}/api/hooks/customer/endpoint`, {
      method: 'POST',
      headers: json,
      body: '{"state":"enabled"}',
    })
    expect(await enabled.json()).toMatchObject({ endpoint: { state: 'healthy' } })
    const counted = await fetch(`${origin}/api/dead-letters/replay`, { method: 'POST' })
    expect(await counted.json()).toMatchObject({ dryRun: true, requests: 1 })
    const before = rig.receiver.requests.length
    expect((await fetch(`${path}/resend`, { method: 'POST' })).status).toBe(202)
    await rig.receiver.waitFor(before + 1)
    await vi.waitUntil(
      async () => JSON.stringify(await ask(path)).includes('"outcome":"delivered"'),
      { timeout: 60_000, interval: 100 },
    )
    expect(await monitor.stop()).toBe(0)
  })

  it('makes, changes, tests and deletes hooks as scripts for Logto do', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.run()
    const monitor = startMonitor(rig.environment, ['--actions'])
    onTestFinished(async () => void (await monitor.stop()))
    const origin = await monitor.origin
    const send = async (method: string, path: string, body?: unknown) => {
      const text = body === undefined ? {} : { headers: json, body: JSON.stringify(body) }
      const answer = await fetch(origin + path, { method, ...text })
      const read: unknown = answer.status === 204 ? {} : await answer.json()
      const fields: JsonObject = isJsonObject(read) ? read : {}
      return { status: answer.status, body: fields }
    }
    await vi.waitUntil(async () => (await fetch(`${origin}/api/hooks`)).ok, { timeout: 60_000 })
    const config = { url: rig.urlOf('made') }
    const made = await send('POST', '/api/hooks', { name: 'Made', events: ['PostSignIn'], config })
    expect(made).toMatchObject({ status: 201, body: { name: 'Made', enabled: true } })
    const { id, signingKey } = textsOf(made.body)
    expect(signingKey).toMatch(/^[0-9A-Za-z]{32}$/)
    expect((await send('GET', `/api/hooks/${id}`)).body).toMatchObject({ signingKey: '(hidden)' })
    expect(await send('PATCH', `/api/hooks/${id}`, { name: 'Renamed' })).toMatchObject({
      status: 200,
      body: { name: 'Renamed', events: ['PostSignIn'], config },
    })
    const rotated = await send('PATCH', `/api/hooks/${id}/signing-key`)
    expect(textsOf(rotated.body)['signingKey']).not.toBe(signingKey)
    const tested = await send('POST', `/api/hooks/${id}/test`, { events: ['PostSignIn'], config })
    expect(tested.status).toBe(204)
    expect(rig.receiver.requests).toHaveLength(1)
    expect((await send('DELETE', `/api/hooks/${id}`)).status).toBe(204)
    expect((await send('GET', `/api/hooks/${id}`)).status).toBe(404)
  })

  it('changes a hook while a test of it waits for an answer', async () => {
    const { brokers } = surroundings()
    await using rig = await createBrokerRig({ brokers })
    await rig.putHooks({ id: 'silent' })
    // No processor runs, so nobody sends the test.
    const monitor = startMonitor(rig.environment, ['--actions'])
    onTestFinished(async () => void (await monitor.stop()))
    const origin = await monitor.origin
    const path = `${origin}/api/hooks/silent`
    await vi.waitUntil(async () => (await fetch(path)).ok, { timeout: 60_000 })
    let isAnswered = false
    const tail = tailTopic(brokers, `${rig.prefix}.webhook.requests`, (record) =>
      Promise.resolve(record),
    )
    onTestFinished(() => tail.stop())
    const ending = new AbortController()
    const test = fetch(`${path}/test`, { method: 'POST', signal: ending.signal }).then(
      () => (isAnswered = true),
      () => undefined,
    )
    await tail.waitFor((requests) => requests.length === 1)
    const body = '{"enabled":false}'
    const changed = await fetch(path, { method: 'PATCH', headers: json, body })
    expect(await changed.json()).toMatchObject({ enabled: false })
    expect(isAnswered).toBe(false)
    ending.abort()
    await test
  })

  it('does not listen to others without a token', async () => {
    const { brokers } = surroundings()
    const environment = {
      KAFKA_BROKERS: brokers.join(','),
      HOOKTIDE_MONITOR_HOST: '0.0.0.0',
      HOOKTIDE_MONITOR_PORT: '0',
    }
    const refused = await hooktide(['monitor'], environment)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('can be reached by others: set HOOKTIDE_MONITOR_TOKEN')
    const short = await hooktide(['monitor'], { ...environment, HOOKTIDE_MONITOR_TOKEN: 'secret' })
    expect(short.code).toBe(2)
    expect(short.stderr).not.toContain('"secret"')
  })
})
