import { describe, expect, it } from 'vitest'
import { LagReader, type LagSource } from '../../../src/monitor/feed/lag.ts'
import { readSettings } from '../../../src/settings/settings.ts'

const settings = readSettings({})
const { topics, tiers } = settings
const all = [...topics.events, topics.requests, ...tiers.map(({ topic }) => topic)]

/** Each topic has ten records, of which the group has completed four. */
function sourceWith(listed: () => readonly string[]): LagSource {
  return {
    listTopics: () => Promise.resolve(listed()),
    groupOffsets: (_, names) =>
      Promise.resolve(names.map((topic) => ({ topic, partition: 0, offset: 4, metadata: '' }))),
    offsets: (topic) => Promise.resolve([{ topic, partition: 0, low: 0, end: 10 }]),
  }
}

describe('the lag of the groups', () => {
  it('tells which topics do not exist', async () => {
    const reader = new LagReader(settings, () => Promise.resolve(new Set()))
    const lag = await reader.read(sourceWith(() => topics.events))
    expect(lag).toEqual({
      live: topics.events.map((topic) => ({ topic, records: 6 })),
      retry: [],
      absent: all.filter((topic) => !topics.events.includes(topic)),
    })
  })

  it('is not told without a topic that the login may not see: the right is named', async () => {
    const reader = new LagReader(settings, (asked) => Promise.resolve(new Set(asked)))
    const visible = all.filter((topic) => topic !== topics.requests)
    const reading = reader.read(sourceWith(() => visible))
    await expect(reading).rejects.toThrow(`no right to Describe on topic ${topics.requests}`)
  })

  it('asks what is hidden again when other topics are missing, and not each time', async () => {
    const asked: (readonly string[])[] = []
    const reader = new LagReader(settings, (absent) => {
      asked.push(absent)
      return Promise.resolve(new Set(absent.filter((topic) => topic === topics.requests)))
    })
    let listed = all.slice(0, 1)
    const source = sourceWith(() => listed)
    await expect(reader.read(source)).rejects.toThrow('has no right')
    await expect(reader.read(source)).rejects.toThrow('has no right')
    listed = all
    expect((await reader.read(source)).retry).toHaveLength(tiers.length)
    expect(asked).toEqual([all.slice(1), []])
  })
})
