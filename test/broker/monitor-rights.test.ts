/** `hooktide monitor` on a broker with an authorizer, without one right after the other. */
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { groupRight, type Right, topicRight } from '../../src/edge/kafka/needed-rights.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { grant, revoke } from '../support/acls.ts'
import { startMonitor } from '../support/hooktide-process.ts'
import { resultWith } from '../support/indexed-results.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import {
  loginVariables,
  startSecuredBroker,
  type SecuredBroker,
} from '../support/secured-broker.ts'

vi.setConfig({ testTimeout: 200_000 })

let broker: SecuredBroker

beforeAll(async () => {
  broker = await startSecuredBroker(['watcher'])
})
afterAll(() => broker.stop())

interface Reading {
  readonly topic: string
  readonly behind: number | null
  readonly trouble: string | null
}

interface Overview {
  readonly status: { readonly results: number; readonly readings: readonly Reading[] }
  readonly lag: object | null
  readonly lagTrouble: string | null
  readonly hooks: number | null
}

it('names the one right that is missing and what for, shows the rest, and goes on when it is granted', async () => {
  const { admin, createTopic, produce } = await useKafka([broker.open])
  const { prefix, group } = uniqueNames()
  const environment = {
    ...loginVariables(broker, 'watcher'),
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: group,
  }
  const { topics, tiers } = readSettings(environment)
  const { events, hooks, endpoints, results, requests, deadLetters } = topics
  const read = [...events, hooks, endpoints, results, deadLetters]
  const described = [requests, ...tiers.map(({ topic }) => topic)]
  await Promise.all([...read, ...described].map((topic) => createTopic(topic, 1)))
  const rights = [
    ...read.map((topic) => topicRight('Read', topic)),
    ...described.map((topic) => topicRight('Describe', topic)),
    ...[group, `${group}.retry`].map((name) => groupRight('Describe', name)),
  ]
  await grant(admin, 'User:watcher', rights)
  const monitor = startMonitor(environment)
  onTestFinished(async () => void (await monitor.stop()))
  const origin = await monitor.origin
  const overview = async () => (await (await fetch(`${origin}/api/overview`)).json()) as Overview
  const limit = { timeout: 60_000, interval: 100 }
  const isWell = ({ status, lag, hooks: known }: Overview) =>
    lag !== null &&
    known !== null &&
    status.readings.every(({ trouble, behind }) => trouble === null && behind === 0)
  await vi.waitUntil(async () => isWell(await overview()), limit)

  let written = 0
  const without = async (right: Right, describe: boolean) => {
    const other = topicRight('Describe', right.name)
    if (describe) await grant(admin, 'User:watcher', [other])
    await revoke(admin, 'User:watcher', [right])
    const says = `User:watcher has no right to ${right.operation} on ${right.resource} ${right.name}: grant it`
    // A change of each topic: what may be read goes on to be read.
    written += 1
    const fields = { deliveryId: `d${written}`, attemptedAt: Date.now() }
    await produce(results, [{ value: JSON.stringify(resultWith(fields)) }])
    const isTopic = [results, deadLetters, hooks, endpoints].includes(right.name)
    await vi.waitFor(async () => {
      const { status, lag, lagTrouble } = await overview()
      const troubles = status.readings.filter(({ trouble }) => trouble !== null)
      const of = (text: string | null) => text?.slice(0, says.length)
      if (isTopic) {
        expect(troubles.map(({ topic, trouble }) => [topic, of(trouble)])).toEqual([
          [right.name, says],
        ])
        expect(lag).not.toBeNull()
      } else {
        expect([of(lagTrouble), troubles]).toEqual([says, []])
      }
      if (right.name !== results) expect(status.results).toBe(written)
    }, limit)
    await grant(admin, 'User:watcher', [right])
    if (describe) await revoke(admin, 'User:watcher', [other])
    await vi.waitUntil(async () => {
      const now = await overview()
      return isWell(now) && now.status.results === written
    }, limit)
  }
  for (const topic of [results, deadLetters, hooks, endpoints]) {
    for (const describe of [true, false]) await without(topicRight('Read', topic), describe)
  }
  for (const right of rights.slice(-2)) await without(right, false)
  await without(topicRight('Describe', requests), false)
})

it('says which right is missing when it is from the start, also to who asks for hooks', async () => {
  const { admin, createTopic, produce } = await useKafka([broker.open])
  const { prefix, group } = uniqueNames()
  const environment = {
    ...loginVariables(broker, 'watcher'),
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: group,
  }
  const { hooks } = readSettings(environment).topics
  await createTopic(hooks, 1)
  await produce(hooks, [{ key: 'one', value: '{}' }])
  await grant(admin, 'User:watcher', [topicRight('Describe', hooks)])
  const monitor = startMonitor(environment)
  onTestFinished(async () => void (await monitor.stop()))
  const origin = await monitor.origin
  await vi.waitUntil(
    async () => {
      const answer = await fetch(`${origin}/api/hooks`)
      const { message } = (await answer.json()) as { readonly message: string }
      expect(answer.status).toBe(503)
      return message.includes(`User:watcher has no right to Read on topic ${hooks}: grant it`)
    },
    { timeout: 60_000, interval: 100 },
  )
})
