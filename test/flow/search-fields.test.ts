import { expect, it } from 'vitest'
import { createRig, topics } from '../support/flow-rig.ts'

const minute = 60_000

it('each result of a delivery has the user and the key of its event, after retries and a resend too', async () => {
  const rig = createRig()
  rig.putHook({ id: 'a', delivery: { maxRetries: 1 } })
  const one = await rig.start()
  one.http.script('https://a.example/', 500)
  const event = { event: 'PostSignIn', createdAt: '2026-09-14T09:02:11.019Z', userId: 'u-1' }
  rig.broker.produce('auth.events', { key: 'k-1', value: JSON.stringify(event) })
  await rig.clock.advance(minute)
  const [letter] = rig.broker.read(topics.deadLetters)
  const headers = [...(letter?.headers ?? [])].map(([name, text]) => [name, String(text)] as const)
  const value = letter?.value ?? null
  rig.broker.produce(topics.requests, { value, headers: Object.fromEntries(headers) })
  await rig.clock.advance(minute)
  const fields = rig.results().map(({ trigger, outcome, userId, sourceKey }) => {
    return [trigger, outcome, userId, sourceKey].join(' ')
  })
  expect(fields).toEqual([
    'event retrying u-1 k-1',
    'event dead u-1 k-1',
    'resend retrying u-1 k-1',
    'resend dead u-1 k-1',
  ])
})

it('a result has neither where its event has none', async () => {
  const rig = createRig()
  rig.putHook({ id: 'a' })
  const one = await rig.start()
  one.http.script('https://a.example/', 204)
  rig.sendEvent()
  await rig.clock.advance(50)
  expect(rig.results()).toMatchObject([{ outcome: 'delivered', userId: null, sourceKey: null }])
})
