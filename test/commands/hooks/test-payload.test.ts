import { expect, it } from 'vitest'
import { decodeEvent } from '../../../src/core/event/event.ts'
import { eventKeys } from '../../../src/core/event/event-keys.ts'
import { testPayload } from '../../../src/commands/hooks/test-payload.ts'
import { recordOf, samples } from '../../support/record-builders.ts'

const now = 1_789_376_531_019
const createdAt = '2026-09-14T09:02:11.019Z'
const payloadOf = (event: string) =>
  JSON.parse(testPayload(event, now, createdAt).toString()) as Record<string, unknown>

it.each(eventKeys)('the test payload of %s is a valid event', (event) => {
  const value = testPayload(event, now, createdAt)
  expect(decodeEvent(recordOf({ value }))).toMatchObject({ kind: 'event', event: { event } })
})

it('has the fields of a real interaction, without those that Logto leaves out of tests', () => {
  const { payload } = samples.find(({ name }) => name === 'post-register.json') ?? {}
  const { hookId, interactionEvent, ...expected } = payload ?? {}
  expect([hookId, interactionEvent]).not.toContain(undefined)
  const payloadNow = payloadOf('PostRegister')
  expect(Object.keys(payloadNow).toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const name of ['user', 'application']) {
    const keys = (value: unknown) => Object.keys(value as object).toSorted()
    expect(keys(payloadNow[name])).toEqual(keys(expected[name]))
  }
})

it('of all other events, custom ones too, is that of a request to the management API', () => {
  for (const event of ['User.Created', 'Identifier.Lockout', 'Made.Up']) {
    expect(payloadOf(event)).toEqual({
      event,
      createdAt,
      userAgent: 'fake-user-agent',
      path: '/fake-path/:id',
      method: 'POST',
      status: 200,
      params: { id: 'fake-id' },
      data: { result: 'success' },
    })
  }
})
