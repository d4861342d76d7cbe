/** What results, logs, metrics and dead letters keep of answers. */
import { describe, expect, it } from 'vitest'
import type { OutboundRecord } from '../../src/core/model/model.ts'
import { createRig, topics, type Rig } from '../support/flow-rig.ts'
import type { MemoryCall } from '../support/memory-http.ts'

const hook = {
  id: 'crm',
  config: {
    url: 'https://crm.example/hook?token=q9-of-the-query',
    headers: { authorization: 'Bearer tok-of-the-header' },
  },
  signingKey: 'key-of-the-signature',
}
const event = { userId: 'k3v9tq2mzx7a', user: { primaryEmail: 'bo@ward.example' } }
const secrets = /q9-of|tok-of|key-of|k3v9tq2mzx7a|bo@ward|(?<!")v1,|[\da-f]{64}|[A-Za-z\d+/]{43}=/

/** An endpoint that echoes requests, as test servers do. */
function echoOf({ request: { url, headers, body } }: MemoryCall): string {
  return JSON.stringify({ url, headers, body: body.toString(), note: 'not ready' })
}

async function answered(
  status: number,
  { delivery = {}, ...overrides }: Parameters<Rig['start']>[0] & { readonly delivery?: object },
) {
  const rig = createRig()
  rig.putHook({ ...hook, delivery: { maxRetries: 0, ...delivery } })
  const one = await rig.start(overrides)
  rig.sendEvent(event)
  await rig.clock.advance(20)
  const [call] = one.http.calls
  if (call === undefined) throw new Error('no call was made')
  call.answer(status, undefined, echoOf(call))
  await rig.clock.advance(20)
  return { rig, one, call }
}

function textOf({ key, value, headers }: Pick<OutboundRecord, 'key' | 'value' | 'headers'>) {
  return [key, value, ...[...headers].flat()].map(String).join('\n')
}

describe('an endpoint that echoes requests', () => {
  it('has results without secrets and without the event', async () => {
    const { rig, call } = await answered(500, {})
    expect(echoOf(call)).toMatch(secrets)
    const [result] = rig.results()
    expect(result).toMatchObject({ outcome: 'dead', statusCode: 500 })
    expect(result?.responseBody).toMatch(/"url":"https:.*"note":"not ready"/)
    expect(result?.responseBody).not.toMatch(secrets)
    for (const record of rig.broker.read(topics.results)) {
      // By their id results are searched, so it stands in a field of its own.
      expect(textOf(record).replace(`"userId":"${event.userId}"`, '')).not.toMatch(secrets)
    }
  })

  it('adds none of them to logs, metrics and headers of dead letters', async () => {
    const { rig, one } = await answered(500, {})
    expect(JSON.stringify(one.signals)).not.toMatch(secrets)
    const letters = rig.broker.read(topics.deadLetters)
    expect(letters).toHaveLength(1)
    for (const letter of letters) expect(textOf({ ...letter, value: null })).not.toMatch(secrets)
  })

  it('has no body in results when it succeeds, or when none are kept', async () => {
    const cases = [
      [200, {}],
      [500, { resultBodies: 'never' }],
      [500, { delivery: { keepResponse: false } }],
      [200, { resultBodies: 'always', delivery: { keepResponse: false } }],
    ] as const
    for (const [status, how] of cases) {
      const { rig } = await answered(status, how)
      expect(rig.results()).toMatchObject([{ statusCode: status, responseBody: null }])
    }
  })

  it('has bodies of successes without secrets when all bodies are kept', async () => {
    const { rig } = await answered(200, { resultBodies: 'always' })
    const [result] = rig.results()
    expect(result).toMatchObject({ outcome: 'delivered' })
    expect(result?.responseBody).toContain('not ready')
    expect(result?.responseBody).not.toMatch(secrets)
  })
})

describe('a network failure whose message has secrets', () => {
  it('is kept without secrets', async () => {
    const rig = createRig()
    rig.putHook(hook)
    const one = await rig.start()
    rig.sendEvent(event)
    await rig.clock.advance(20)
    one.http.calls[0]?.fail('protocol', 'invalid header authorization: Bearer tok-of-the-header')
    await rig.clock.advance(20)
    expect(rig.results()).toMatchObject([
      { errorMessage: 'invalid header authorization: (hidden)', responseBody: null },
    ])
  })
})

describe('the URL of a hook with a secret in the path', () => {
  it('is in results without the secret', async () => {
    const rig = createRig()
    const url = 'https://chat.example/services/T0J3/Xq3Vb8Zc1Lk6Jh9Gf4Ds7Aa2?x=1'
    rig.putHook({ id: 'chat', config: { url } })
    const one = await rig.start()
    rig.sendEvent()
    await rig.clock.advance(20)
    one.http.calls[0]?.answer(204)
    await rig.clock.advance(20)
    expect(rig.results()).toMatchObject([
      { url: 'https://chat.example/services/(hidden)/(hidden)' },
    ])
  })
})
