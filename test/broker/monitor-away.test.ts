/** `hooktide monitor` while its Kafka is away. The test stops the broker, so it is one of its own. */
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import {
  type EmbeddedKafka,
  soonForgotten,
  startEmbeddedKafka,
} from '../../examples/sandbox/sandbox.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { startMonitor } from '../support/hooktide-process.ts'

/** A broker may take two minutes to start before that is an error of its own. */
const restartMs = 130_000

vi.setConfig({ testTimeout: 280_000 })

let kafka: EmbeddedKafka

beforeAll(async () => {
  kafka = await startEmbeddedKafka({ overrides: soonForgotten })
}, restartMs)

afterAll(async () => {
  await kafka.stop()
})

interface Reading {
  readonly topic: string
  readonly behind: number | null
  readonly trouble: string | null
}

const away = /^(?:No Kafka broker answers|cannot list topics: .*Check KAFKA_BROKERS)/

it.each([
  { how: 'was killed', lose: () => kafka.kill(), regain: () => kafka.restart() },
  {
    how: 'hangs',
    lose: () => Promise.resolve(process.kill(kafka.pid(), 'SIGSTOP')),
    regain: () => Promise.resolve(process.kill(kafka.pid(), 'SIGCONT')),
  },
])(
  'says soon of all topics that no broker answers, refuses what needs one, and goes on after it $how',
  async ({ lose, regain }) => {
    await using rig = await createBrokerRig({
      brokers: kafka.brokers,
      answer: () => ({ kind: 'respond', status: 410 }),
    })
    await rig.putHooks({ id: 'gone' })
    const processor = await rig.run()
    const monitor = startMonitor(rig.environment, ['--actions'])
    onTestFinished(async () => void (await monitor.stop()))
    const origin = await monitor.origin
    const ask = async (path: string, init: RequestInit = {}) => {
      const answer = await fetch(origin + path, init)
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }
    const readings = async () =>
      (await ask('/api/status')).body['readings'] as unknown as readonly Reading[]
    const letters = async () => {
      const answer = await fetch(`${origin}/api/dead-letters`)
      return (await answer.json()) as readonly { readonly deliveryId: string }[]
    }
    await rig.sendEvents({ headers: { 'event-id': 'e1' } })
    const limit = { timeout: 60_000, interval: 100 }
    await vi.waitUntil(async () => (await letters()).length === 1, limit)
    await vi.waitUntil(async () => (await readings()).every(({ behind }) => behind === 0), limit)
    const [{ deliveryId } = { deliveryId: '' }] = await letters()
    processor.signal('SIGKILL')
    await processor.exited

    await lose()
    const isAway = async () => {
      const now = await readings()
      const isSaid = now.every(({ trouble, behind }) => behind === null && away.test(trouble ?? ''))
      return isSaid && new Set(now.map(({ trouble }) => trouble)).size === 1
    }
    // Readers of topics give up only after a minute without an answer.
    await vi.waitUntil(isAway, { timeout: 40_000, interval: 100 })
    const refused = await Promise.all([
      ask(`/api/deliveries/${deliveryId}/request`),
      ask('/api/explain?eventId=e1'),
    ])
    for (const { status, body } of refused) {
      expect(status).toBe(503)
      expect(body).toMatchObject({ code: 'monitor.not_readable' })
      expect(body['message']).toMatch(/^No Kafka broker answers/)
    }
    const resent = await ask(`/api/deliveries/${deliveryId}/resend`, { method: 'POST' })
    expect(resent).toMatchObject({ status: 422 })
    expect(resent.body['message']).toMatch(/^No Kafka broker answers/)

    await regain()
    await vi.waitUntil(
      async () =>
        (await readings()).every(({ trouble, behind }) => trouble === null && behind === 0),
      { timeout: 60_000, interval: 100 },
    )
    await rig.run()
    await rig.sendEvents({ headers: { 'event-id': 'e2' } })
    await vi.waitUntil(async () => (await letters()).length === 2, limit)
    expect(await monitor.stop()).toBe(0)
  },
)
