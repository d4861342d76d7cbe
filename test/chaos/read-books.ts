/** Completes the books: the contents of the topics at the end, and what was recorded during the run. */
import type { InboundRecord } from '../../src/core/model/model.ts'
import { runHeaderNames } from '../../src/core/model/header-names.ts'
import { readTopic } from '../../src/edge/kafka/reader.ts'
import { settingsOf, silentLog } from '../support/kafka-tools.ts'
import type { Books, CarriedRun, CommittedPartition, ProducedEvent } from './books.ts'
import type { World } from './world.ts'

export async function readBooks(
  world: World,
  commits: readonly CommittedPartition[],
): Promise<Books> {
  const { prefix, endpoints, results, disturbances } = world
  const topics = new Set(commits.map(({ topic }) => topic))
  topics.delete(`${prefix}.events`)
  const carried: CarriedRun[] = []
  for (const topic of topics) {
    await readAll(world, topic, (record) => void carried.push(carriedRun(record)))
  }
  const letters = new Set<string>()
  await readAll(world, `${prefix}.webhook.dead-letters`, (record) => {
    letters.add(headerOf(record, runHeaderNames.deliveryId))
  })
  return {
    events: await readEvents(world),
    requests: endpoints.requests,
    results: results.items,
    carried,
    letters,
    commits,
    disturbances: disturbances.list,
  }
}

/** @throws {Error} when the brokers lost an acknowledged event or have it twice, so that the books cannot be compared */
async function readEvents(world: World): Promise<readonly ProducedEvent[]> {
  const places = new Map<string, string>()
  await readAll(world, `${world.prefix}.events`, (record) => {
    const eventId = headerOf(record, 'event-id')
    if (places.has(eventId))
      throw new Error(`event ${eventId} is at ${places.get(eventId)} and at ${placeOf(record)}`)
    places.set(eventId, placeOf(record))
  })
  return world.events.map(({ eventId, writtenAt = 0, owed, possible }) => {
    const place = places.get(eventId)
    if (place === undefined)
      throw new Error(`event ${eventId} was acknowledged, but the brokers do not have it`)
    return { eventId, place, at: writtenAt, owed, possible }
  })
}

async function readAll(
  { brokers }: World,
  topic: string,
  onRecord: (record: InboundRecord) => void,
): Promise<void> {
  const options = { topic, from: 'earliest', isFollowing: false, log: silentLog } as const
  const { signal } = new AbortController()
  const settings = settingsOf(brokers.addresses)
  for await (const records of readTopic({ ...options, settings, signal })) {
    for (const record of records) onRecord(record)
  }
}

function carriedRun(record: InboundRecord): CarriedRun {
  return {
    deliveryId: headerOf(record, runHeaderNames.deliveryId),
    place: placeOf(record),
    attempt: Number(headerOf(record, runHeaderNames.attempt)),
  }
}

function headerOf({ headers }: InboundRecord, name: string): string {
  return new Map(headers).get(name)?.toString() ?? ''
}

function placeOf({ topic, partition, offset }: InboundRecord): string {
  return `${topic}/${partition}/${offset}`
}
