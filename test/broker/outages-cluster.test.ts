/** One node of a cluster of three is lost, and another one after it is back. */
import type { Admin } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { createKafka } from '../../src/edge/kafka/client.ts'
import { clusterOf } from '../../src/edge/kafka/cluster.ts'
import type { Coordinator } from '../../src/edge/kafka/inner.ts'
import { readTopic } from '../../src/edge/kafka/reader.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import {
  type EmbeddedCluster,
  type EmbeddedNode,
  startEmbeddedCluster,
} from '../../examples/sandbox/sandbox.ts'
import {
  callsByDelivery,
  committedCount,
  repeatedCalls,
  startLoad,
  waitForFinals,
} from '../support/accounting.ts'
import { createBrokerRig } from '../support/broker-rig.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { settingsOf, silentLog, useKafka } from '../support/kafka-tools.ts'
import { uniqueNames } from '../support/names.ts'
import { createTopics, leadersElected } from '../support/create-topics.ts'

vi.setConfig({ testTimeout: 120_000 })

let cluster: EmbeddedCluster

beforeAll(async () => {
  cluster = await startEmbeddedCluster()
}, 120_000)

afterAll(async () => {
  await cluster.stop()
})

function nodeOf(id: number): EmbeddedNode {
  const node = cluster.nodes.find((one) => one.id === id)
  if (node === undefined) throw new Error(`the cluster has no node ${id}`)
  return node
}

/** Its topics do not exist. */
function newInstallation() {
  const { prefix, group } = uniqueNames()
  const environment = {
    KAFKA_BROKERS: cluster.brokers.join(','),
    HOOKTIDE_TOPIC_PREFIX: prefix,
    HOOKTIDE_GROUP_ID: group,
  }
  return { prefix, environment }
}

async function coordinatorOf(groupId: string): Promise<EmbeddedNode> {
  const asked = clusterOf(settingsOf(cluster.brokers), silentLog)
  await asked.connect()
  const coordinator = await asked.findGroupCoordinator({ groupId })
  await asked.disconnect()
  const { nodeId } = coordinator as Coordinator & { readonly nodeId: number }
  return nodeOf(nodeId)
}

describe('hooktide init on a cluster of three nodes', () => {
  it('creates topics that survive the loss of a node, and lists those that would not', async () => {
    const { prefix, environment } = newInstallation()
    const admin = await connectAdmin(settingsOf(cluster.brokers), silentLog)
    const base = { partitions: 1, configs: { 'min.insync.replicas': '1' } }
    await admin.createTopic({ ...base, topic: `${prefix}.events`, replicationFactor: 1 })
    const sized = { ...base.configs, 'max.message.bytes': '2000000' }
    await admin.createTopic({ ...base, topic: `${prefix}.webhook.requests`, configs: sized })
    await admin.stop()

    const { code, stdout, stderr } = await hooktide(['init'], environment)
    expect({ code, stderr, blocked: stdout.match(/must be fixed.*/g) }).toEqual({
      code: 0,
      stderr: '',
      blocked: null,
    })
    expect(stdout).toContain(
      `created  ${prefix}.webhook.results (6 partitions, 3 replicas, min.insync.replicas 2)\n`,
    )
    expect(stdout).toContain(
      `note: ${prefix}.events: has 1 replica in a cluster of 3 brokers: if that one broker is lost, its records are lost`,
    )
    expect(stdout).toContain(`note: ${prefix}.webhook.requests: min.insync.replicas is 1`)
  })
})

describe('a topic of which a partition has no leader', () => {
  it('keeps no command from starting if hooktide does not use it', async () => {
    const { prefix, environment } = newInstallation()
    expect(await hooktide(['init'], environment)).toMatchObject({ code: 0, stderr: '' })
    await withNodeAway(cluster.nodes[2], `${prefix}.foreign`, async () => {
      expect(await hooktide(['init'], environment)).toMatchObject({ code: 0, stderr: '' })
      const { stdout, stderr } = await hooktide(['status'], environment)
      expect(stdout, stderr).toContain('no processors')
    })
  })

  it('is named, with its reason, by a command that has to read it', async () => {
    const { prefix, environment } = newInstallation()
    const topic = `${prefix}.webhook.results`
    await withNodeAway(cluster.nodes[2], topic, async () => {
      const { code, stderr } = await hooktide(['results'], environment)
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `cannot read ${topic}: There is no leader for this topic-partition as we are in the middle of a leadership election. Check that the brokers that have replicas of its partitions are running.\n`,
      })
    })
  })

  it('is waited for by a command that has just created it', async () => {
    const admin = await connectAdmin(settingsOf(cluster.brokers), silentLog)
    onTestFinished(() => admin.stop())
    const { prefix } = uniqueNames()
    // Brokers learn of their new partitions one after the other. One of a few topics finds one that does not know yet.
    for (const number of Array.from({ length: 20 }).keys()) {
      const topic = `${prefix}.new-${number}`
      await admin.createTopic({ topic, partitions: 6, replicationFactor: 3, configs: {} })
      expect(await admin.offsets(topic)).toHaveLength(6)
      expect(await admin.offsetsAt(topic, 0)).toHaveLength(6)
    }
  })
})

/** Runs `work` while a node is away that has the only replica of some partitions of a new topic. */
async function withNodeAway(
  node: EmbeddedNode | undefined,
  topic: string,
  work: () => Promise<void>,
): Promise<void> {
  const { admin } = await useKafka(cluster.brokers)
  await createTopics(admin, [{ topic, numPartitions: 3, replicationFactor: 1 }])
  await node?.kill()
  try {
    await vi.waitFor(() => expect(isLeaderless(admin, topic)).resolves.toBe(true), 20_000)
    await work()
  } finally {
    await node?.restart()
    await leadersElected(admin, [topic])
  }
}

async function isLeaderless(admin: Admin, topic: string): Promise<boolean> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [] })
  const found = topics.find(({ name }) => name === topic)
  return found?.partitions.some(({ leader }) => leader < 0) ?? false
}

describe('a cluster of three nodes that loses one', () => {
  it('keeps each acknowledged record exactly once while its partitions move', async () => {
    const admin = createKafka(settingsOf(cluster.brokers), silentLog, 'command').admin()
    await admin.connect()
    const topic = `${uniqueNames().prefix}.moving`
    await createTopics(admin, [{ topic, numPartitions: 6 }])
    const sink = createSink({ settings: settingsOf(cluster.brokers), log: silentLog })
    const writes: Promise<void>[] = []
    const writeSome = (): void => {
      const values = Array.from({ length: 30 }, (_, index) => `${writes.length}-${index}`)
      writes.push(
        sink.write(values.map((key) => ({ topic, key, value: Buffer.from(key), headers: [] }))),
      )
    }
    const timer = setInterval(writeSome, 5)
    const [node] = cluster.nodes
    if (node === undefined) throw new Error('the cluster has no node')
    await vi.waitFor(() => expect(writes.length).toBeGreaterThan(50))
    await node.kill()
    await writes.at(-1)
    await node.restart()
    clearInterval(timer)
    await Promise.all(writes)
    const ends = await admin.fetchTopicOffsets(topic)
    const total = ends.reduce((sum, { high }) => sum + Number(high), 0)
    await Promise.all([sink.stop(), admin.disconnect()])
    expect(total).toBe(writes.length * 30)
  })

  it('is read to the end by a running reader', async () => {
    const { admin } = await useKafka(cluster.brokers)
    const topic = `${uniqueNames().prefix}.read`
    await createTopics(admin, [{ topic, numPartitions: 6 }])
    const keys = Array.from({ length: 48 }, (_, index) => `${index}`)
    const sink = createSink({ settings: settingsOf(cluster.brokers), log: silentLog })
    const value = Buffer.alloc(400_000)
    await sink.write(keys.map((key) => ({ topic, key, value, headers: [] })))
    await sink.stop()
    const seen: string[] = []
    let lost: EmbeddedNode | undefined
    const { signal } = new AbortController()
    const options = { topic, from: 'earliest', isFollowing: false, signal, log: silentLog } as const
    for await (const records of readTopic({ settings: settingsOf(cluster.brokers), ...options })) {
      seen.push(...records.map(({ key }) => String(key)))
      if (lost !== undefined) continue
      expect(seen.length).toBeLessThan(keys.length)
      lost = cluster.nodes[0]
      await lost?.kill()
    }
    await lost?.restart()
    expect(seen.toSorted()).toEqual(keys.toSorted())
  })

  it('costs a processor no event, no restart and no rebalance, also when its coordinator is lost', async () => {
    await using rig = await createBrokerRig({ brokers: cluster.brokers, partitions: 6 })
    await rig.putHooks({ id: 'a' })
    const run = await rig.run()
    await using load = startLoad(rig)
    await rig.receiver.waitFor(400)
    const group = rig.environment['HOOKTIDE_GROUP_ID'] ?? ''
    const lose = async (node: EmbeddedNode): Promise<EmbeddedNode> => {
      const before = await load.written()
      await node.kill()
      // What is written after the loss is called, recorded and committed by means of the two that are left.
      await rig.receiver.waitFor(before + 400)
      return node
    }
    const lost = await lose(await coordinatorOf(group))
    await lost.restart()
    await lose(await coordinatorOf(`${group}.retry`))
    const count = await load.end()
    await waitForFinals(rig, count)
    await vi.waitFor(async () => expect(await committedCount(rig)).toBe(count), 20_000)
    expect(callsByDelivery(rig).size).toBe(count)
    expect(repeatedCalls(rig)).toBe(0)
    expect(run.lines.filter(({ msg }) => msg === 'group.assigned')).toHaveLength(2)
    run.signal('SIGTERM')
    expect(await run.exited).toBe(0)
  })
})
