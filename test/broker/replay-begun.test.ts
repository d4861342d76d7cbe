/** A replay that goes on, or cannot begin, after what it needs has changed: by the real command line, without processors. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deadLetterHeaders, placeOf, splitHeaders } from '../../src/core/run/delivery-headers.ts'
import { deliveryIdOf } from '../../src/core/model/identity.ts'
import type { KafkaHeaders } from '../../src/core/model/model.ts'
import { commitsOf } from '../../src/commands/replay/progress.ts'
import { connectAdmin, type KafkaAdmin } from '../../src/edge/kafka/admin.ts'
import { createBrokerRig, type BrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { eventOf, runOf } from '../support/model-builders.ts'
import { surroundings } from '../support/sandbox.ts'

let rig: BrokerRig
let admin: KafkaAdmin

const replay = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  hooktide(['replay', '--yes', ...words], { ...rig.environment, ...environment })

/** A run that was split off its event, and the dead letter that it became. */
function letterOf({ prefix }: BrokerRig) {
  const topics = {
    requests: `${prefix}.webhook.requests`,
    deadLetters: `${prefix}.webhook.dead-letters`,
  }
  const source = { topic: `${prefix}.events`, partition: 0, offset: 1 }
  const event = eventOf({ eventId: 'split', source })
  const deliveryId = deliveryIdOf('default', '', 'split', 'a')
  const run = runOf({ deliveryId, hookId: 'a', run: placeOf(source), hop: 1, event })
  const death = { reason: 'exhausted', status: 500, diedAt: Date.now() } as const
  const message = (headers: KafkaHeaders) => ({
    key: deliveryId,
    value: event.body,
    headers: Object.fromEntries([...headers].map(([name, value]) => [name, value ?? ''])),
  })
  return {
    topics,
    letter: message(deadLetterHeaders({ ...run, attempt: 9 }, death)),
    split: message(splitHeaders(run)),
  }
}

/** Writes down what a replay of partition 0 would have that was killed at `next`. */
async function begun(id: string, hooks: readonly string[], next: number): Promise<void> {
  const group = `${rig.environment['HOOKTIDE_GROUP_ID']}.replay.${id}`
  const reach = { topic: `${rig.prefix}.events`, partition: 0, next, end: 4 }
  await admin.commitOffsets(group, commitsOf(group, { from: 'events', hooks }, [reach]))
}

beforeAll(async () => {
  const { brokers } = surroundings()
  rig = await createBrokerRig({ brokers })
  admin = await connectAdmin(settingsOf(brokers), silentLog)
  await rig.putHooks({ id: 'a' }, { id: 'off', enabled: false }, { id: 'deleted' })
  await rig.deleteHook('deleted')
  const events = Array.from({ length: 4 }, (_, n) => ({ headers: { 'event-id': `e${n}` } }))
  await rig.sendEvents(...events)
})

afterAll(async () => {
  await admin.stop()
  await rig[Symbol.asyncDispose]()
})

describe('a resumed replay', () => {
  it('leaves out a hook that was deleted since, and sends the others their events', async () => {
    await begun('one-less', ['a', 'deleted'], 1)
    const { code, stdout, stderr } = await replay(['--resume', 'one-less'])
    expect(stderr).toContain('left out, since they were deleted meanwhile: deleted\n')
    expect(stdout).toContain('3 record(s) read, 3 deliveries requested')
    expect(code).toBe(0)
  })

  it('fails if its topic has fewer records than it has read', async () => {
    await begun('lost', ['a'], 9)
    const { code, stderr } = await replay(['--resume', 'lost'])
    expect(stderr).toContain('ends before offset 9 of partition 0, up to which it was read')
    expect(code).toBe(1)
  })
})

describe('a replay of failed deliveries', () => {
  it('does not mistake a split record for a request', async () => {
    const kafka = await useKafka(surroundings().brokers)
    const { topics, letter, split } = letterOf(rig)
    await kafka.produce(topics.requests, [split])
    await kafka.produce(topics.deadLetters, [letter])
    const words = ['--failed-only', '--hook', 'a']
    expect((await replay(words)).stdout).toContain('1 record(s) read, 1 deliveries requested')
    expect((await replay(words)).stdout).toContain(
      'left out: 1: the delivery was requested again since this dead letter was written',
    )
  })
})

describe('a replay', () => {
  it('says why the deliveries of a named, disabled hook are left out', async () => {
    const { stdout } = await replay(['--from', 'earliest', '--hook', 'a,off', '--dry-run'])
    expect(stdout).toContain('left out: 4: the hook is disabled\n')
    expect(stdout).toContain('4 record(s) read, 4 deliveries would be requested')
  })

  it('includes a disabled endpoint once its hook has another URL, even before a processor has seen that', async () => {
    await rig.putHooks({ id: 'moved', events: ['PostSignIn'] })
    await hooktide(['endpoints', 'disable', 'moved'], rig.environment)
    const words = ['--from', 'earliest', '--hook', 'moved', '--dry-run']
    expect((await replay(words)).stdout).toContain('left out: 4: the endpoint is disabled')
    await rig.putHooks({ id: 'moved', config: { url: rig.urlOf('elsewhere') } })
    expect((await replay(words)).stdout).toMatch(/^moved +default +4$/m)
  })

  it('does not start without a topic for its requests', async () => {
    const topic = `${rig.prefix}.none`
    const environment = { HOOKTIDE_TOPIC_REQUESTS: topic }
    const { code, stderr } = await replay(['--from', 'earliest'], environment)
    expect(stderr).toBe(`Topic ${topic} does not exist: run "hooktide init".\n`)
    expect(code).toBe(1)
    const others = ['resend dlv_0000000000000000000000', 'hooks test a --wait 1s']
    for (const line of others) {
      const refused = await hooktide(line.split(' '), { ...rig.environment, ...environment })
      expect(refused).toEqual({ code, stderr, stdout: '' })
    }
  })
})
