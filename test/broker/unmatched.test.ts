import { expect, it } from 'vitest'
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { surroundings } from '../support/sandbox.ts'

it('an event that goes nowhere is found by its user, with why, and comes to its hook by replay', async () => {
  const { brokers, registryUrl } = surroundings()
  await using rig = await createBrokerRig({ brokers, registryUrl })
  await rig.putHooks({ id: 'a', delivery: { filter: "event.userId == 'other'" } })
  await rig.run({ HOOKTIDE_RECORD_UNMATCHED: 'true' })
  await rig.sendEvents({ key: 'k-1', fields: { userId: 'u-1' }, partition: 0 })
  const [result] = await rig.results.waitFor((all) => all.length === 1)
  expect(result).toMatchObject({
    ...{ outcome: 'unmatched', reason: 'not-passed', userId: 'u-1', sourceKey: 'k-1' },
    unmatchedHooks: [{ hookId: 'a', reason: 'filter-false' }],
  })
  const results = ['results', '--from', 'earliest', '--outcome', 'unmatched']
  const { stdout } = await hooktide(results, rig.environment)
  expect(stdout).toMatch(/ unmatched .* - .* not-passed, a filter-false\n$/)
  const { code, stderr } = await hooktide(['resend', result?.deliveryId ?? ''], rig.environment)
  expect(code).toBe(1)
  const [, command] = /no hook\. "hooktide (.*)" sends it/.exec(stderr) ?? []
  expect(command).toBe(`replay --offsets ${rig.prefix}.events/0/0-0`)
  await rig.putHooks({ id: 'a' })
  expect(await hooktide(command?.split(' ') ?? [], rig.environment)).toMatchObject({ code: 0 })
  await rig.results.waitFor((all) => all.some(({ outcome }) => outcome === 'delivered'))
})
