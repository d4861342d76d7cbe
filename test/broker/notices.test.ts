import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { expect, it } from 'vitest'
import schema from '../../schemas/notice.schema.json' with { type: 'json' }
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

it('an owner is told by a webhook, once, that another endpoint was disabled, and that it was enabled', async () => {
  const { brokers } = surroundings()
  await using rig = await createBrokerRig({
    brokers,
    partitions: 2,
    environment: { HOOKTIDE_NOTICES: 'true' },
    answer: ({ path }) => (path === '/gone' ? { kind: 'respond', status: 410 } : undefined),
  })
  await rig.putHooks(
    { id: 'gone' },
    { id: 'owner', events: ['Hooktide.Endpoint.Disabled', 'Hooktide.Endpoint.Recovered'] },
  )
  await Promise.all(['one', 'two'].map((name) => rig.run({ HOOKTIDE_INSTANCE: name })))
  await rig.sendEvents({ partition: 0 }, { partition: 1 })
  const toOwner = () => rig.receiver.requests.filter(({ path }) => path === '/owner')
  const told = (count: number) =>
    rig.results.waitFor((all) => all.filter(({ hookId }) => hookId === 'owner').length >= count)
  await told(1)
  await hooktide(['endpoints', 'enable', 'gone'], rig.environment)
  await told(2)

  const payloads = toOwner().map(
    ({ body }) => JSON.parse(body.toString()) as (typeof schema.examples)[0],
  )
  expect(payloads).toMatchObject([
    {
      event: 'Hooktide.Endpoint.Disabled',
      hookId: 'owner',
      data: { hookId: 'gone', url: rig.urlOf('gone'), state: 'disabled', reason: 'gone' },
    },
    { event: 'Hooktide.Endpoint.Recovered', data: { hookId: 'gone', reason: 'operator' } },
  ])
  const ajv = new Ajv({ strict: false })
  addFormats.default(ajv)
  const isNotice = ajv.compile(schema)
  for (const payload of payloads) expect(isNotice(payload) ? [] : isNotice.errors).toEqual([])
})
