import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Webhook } from 'standardwebhooks'
import { freePort, standardSecretOf } from '../../examples/sandbox/sandbox.ts'
import { eventKeys } from '../../src/core/event/event-keys.ts'
import { writeDocExamples, type DocExamples, type RunningExample } from '../support/doc-examples.ts'

const key = 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii'

/** What the example exports. */
interface Uses {
  readonly uses: readonly ((payload: object, webhookId: string) => unknown)[]
}

let examples: DocExamples
beforeAll(async () => {
  examples = await writeDocExamples()
})
afterAll(() => examples[Symbol.asyncDispose]())

describe("the documents' uses", () => {
  it.each([
    ['only the required fields', {}],
    ['null for what it could hold', { data: null, user: null, application: null, params: null }],
    ['empty objects', { data: {}, user: {}, application: {}, params: {} }],
    ['an id and a name', { data: { id: 'o1', name: 'x' }, user: { id: 'u1' } }],
    ['an own object of the user alone', { data: {}, matchedRoute: '/users/:userId/custom-data' }],
    ['data of another kind', { data: ['o1'], params: { userId: 'u1' } }],
  ])('accept every event that has %s', async (_, fields) => {
    const { uses } = (await import(`${examples.folder}/uses.ts`)) as Uses
    for (const event of eventKeys) {
      for (const use of uses) {
        const outcome = use({ event, createdAt: '2026-09-14T09:02:11.019Z', ...fields }, 'dlv_1')
        expect(JSON.stringify(outcome) ?? '').not.toMatch(/undefined|null/)
      }
    }
  })
})

describe("the documents' receiver", () => {
  it('does not start without a signing key, and says what to set', async () => {
    await using receiver = examples.start('receiver.ts', {
      environment: { SIGNING_KEY: '', PORT: '0' },
    })
    await expect(receiver.finished).rejects.toThrow('SIGNING_KEY')
  })

  it('refuses an unsigned call, continues after a use that failed, and answers 500 to invalid JSON', async () => {
    const { receiver, url } = await startReceiver(key)
    await using _ = receiver
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401)
    // Signed, and no event: `createdAt` is missing, so the report fails.
    expect(await post(url, 'dlv_1', '{"event":"PostSignIn"}')).toBe(204)
    expect(await post(url, 'dlv_2', 'not JSON')).toBe(500)
    expect(
      await post(url, 'dlv_3', '{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'),
    ).toBe(204)
    await receiver.waitForLine((line) => line.includes('2026-09-14 unknown'))
    expect(receiver.complaints()).toMatch(/report of dlv_1 failed/)
    expect(receiver.complaints()).toMatch(/a call failed: SyntaxError/)
  })

  it('answers 500 and says why if its signing key is invalid', async () => {
    const { receiver, url } = await startReceiver('whsec_')
    await using _ = receiver
    expect(await post(url, 'dlv_1', '{}')).toBe(500)
    expect(receiver.complaints()).toMatch(/Secret can't be empty/)
  })
})

async function startReceiver(signingKey: string): Promise<{
  readonly receiver: RunningExample
  readonly url: string
}> {
  const port = String(await freePort())
  const receiver = examples.start('receiver.ts', {
    environment: { SIGNING_KEY: signingKey, PORT: port },
  })
  await receiver.waitForLine((line) => line.includes(port))
  return { receiver, url: `http://127.0.0.1:${port}/` }
}

async function post(url: string, id: string, body: string): Promise<number> {
  const now = new Date()
  const { status } = await fetch(url, {
    method: 'POST',
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(standardSecretOf(key)).sign(id, now, body),
    },
    body,
  })
  return status
}
