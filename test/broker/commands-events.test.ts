import { beforeAll, describe, expect, it } from 'vitest'
import type { InboundRecord } from '../../src/core/model/model.ts'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { readTopic } from '../../src/edge/kafka/reader.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const quiet = () => undefined
const { prefix } = uniqueNames()
const createdAt = '2026-09-14T09:02:11.019Z'

function settings() {
  return { brokers: surroundings().brokers, clientId: 'test' }
}

async function topicOf(name: string): Promise<string> {
  const admin = await connectAdmin(settings(), quiet)
  await admin.createTopic({ topic: `${prefix}.${name}`, partitions: 2, configs: {} })
  await admin.stop()
  return `${prefix}.${name}`
}

const send = (topic: string, input: string, ...flags: readonly string[]) =>
  hooktide(
    ['events', 'send', '-f', '-', '--topic', topic, ...flags],
    { KAFKA_BROKERS: surroundings().brokers.join(',') },
    input,
  )

async function written(topic: string): Promise<readonly InboundRecord[]> {
  const { signal } = new AbortController()
  const range = { from: 'earliest', isFollowing: false } as const
  const all: InboundRecord[] = []
  for await (const records of readTopic({
    settings: settings(),
    topic,
    ...range,
    signal,
    log: quiet,
  })) {
    all.push(...records)
  }
  return all
}

const shown = ({ key, value, headers }: InboundRecord) => ({
  key: key?.toString() ?? null,
  value: value?.toString(),
  headers: Object.fromEntries([...headers].map(([name, text]) => [name, String(text)])),
})

describe('events send', () => {
  let topic: string
  beforeAll(async () => {
    topic = await topicOf('bytes')
  })

  it('writes an event byte for byte, keyed by its user, with the requested headers', async () => {
    const text = `{\n  "event": "PostSignIn",\n  "createdAt": "${createdAt}",\n  "n": 1.0e3,\n  "userId": "u1"\n}`
    const flags = ['--tenant', 'acme', '--event-id', 'evt-1', '--json']
    const { code, stdout } = await send(topic, `\n${text}\n`, ...flags)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ topic, eventId: 'evt-1', event: 'PostSignIn', key: 'u1' })
    expect((await written(topic)).map(shown)).toEqual([
      { key: 'u1', value: text, headers: { 'tenant-id': 'acme', 'event-id': 'evt-1' } },
    ])
  })

  it('uses user.id or data.id as the key if there is no userId, and sends each line as an event', async () => {
    const lines = await topicOf('lines')
    const events = [
      { event: 'User.Created', createdAt, data: { id: 'u2' } },
      { event: 'PostSignIn', createdAt, user: { id: 'u3' } },
      { event: 'Role.Deleted', createdAt },
    ].map((event) => JSON.stringify(event))
    const { code, stdout } = await send(lines, events.join('\n'))
    expect(code).toBe(0)
    expect(stdout.trim().split('\n').at(-1)).toBe(`3 event(s) to ${lines} (2 partitions)`)
    const records = (await written(lines)).map(shown)
    expect(records.map(({ key, value }) => `${key} ${value}`).toSorted()).toEqual(
      ['u2', 'u3', 'null'].map((key, index) => `${key} ${events[index]}`).toSorted(),
    )
    const ids = records.map(({ headers }) => headers['event-id'])
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(stdout).toContain(String(id))
  })

  it('refuses a payload captured from Logto, and removes its hookId on request', async () => {
    const captured = await topicOf('captured')
    const text = `{"event":"PostSignIn","createdAt":"${createdAt}","hookId":"w2f8p6u0c9ydj3ms7ealr"}`
    const refused = await send(captured, text)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(
      /Nothing was sent:\n.*reserved-field \(hookId\).*--strip-hook-id/,
    )
    expect((await send(captured, text, '--strip-hook-id')).code).toBe(0)
    expect((await written(captured)).map(shown)).toMatchObject([
      { value: `{"event":"PostSignIn","createdAt":"${createdAt}"}` },
    ])
  })

  it('sends nothing when one of several events is not valid', async () => {
    const mixed = await topicOf('mixed')
    const input = `[{"event":"PostSignIn","createdAt":"${createdAt}"}, {"event":"PostSignIn"}]`
    const { code, stderr } = await send(mixed, input)
    expect(code).toBe(1)
    expect(stderr).toContain('[1]: rejected, missing-field (createdAt)')
    expect(await written(mixed)).toEqual([])
  })

  it('says that a topic does not exist instead of waiting for it', async () => {
    const input = `{"event":"PostSignIn","createdAt":"${createdAt}"}`
    const { code, stderr } = await send(`${prefix}.nowhere`, input)
    expect(code).toBe(1)
    expect(stderr).toBe(
      `Topic ${prefix}.nowhere does not exist: create it, or name another topic with --topic.\n`,
    )
    const odd = await send('no such', input)
    expect(odd).toMatchObject({ code: 2, stdout: '' })
    expect(odd.stderr).toMatch(/^--topic must be a topic name: .*, not "no such"\.\n$/)
  })

  it('refuses one event id for several events', async () => {
    const line = `{"event":"PostSignIn","createdAt":"${createdAt}"}`
    expect((await send(topic, `${line}\n${line}`, '--event-id', 'x')).code).toBe(2)
  })
})

describe('events validate', () => {
  const validate = (input: string, ...flags: readonly string[]) =>
    hooktide(['events', 'validate', '-f', '-', ...flags], { KAFKA_BROKERS: '127.0.0.1:1' }, input)

  it('says of each line what is wrong with it, without a broker', async () => {
    const lines = [
      `{"event":"User.Created","createdAt":"${createdAt}"}`,
      '{"event":"PostSignIn"}',
      `{"event":"Cat.Fed","createdAt":"${createdAt}"}`,
    ]
    const { code, stdout } = await validate(lines.join('\n'))
    expect(code).toBe(1)
    expect(stdout.trim().split('\n')).toEqual([
      'line 2: rejected, missing-field (createdAt): The event has no "createdAt".',
      "line 3: warning: Cat.Fed is not an event key of Logto's",
      '3 event(s): 2 valid, 1 rejected',
    ])
  })

  it('prints one object per event with --json, and ends with 0 when all are valid', async () => {
    const event = { event: 'User.Created', createdAt }
    const { code, stdout } = await validate(JSON.stringify([event]), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      ...{ place: '[0]', event: 'User.Created', valid: true, warnings: [] },
    })
  })

  it.each([
    [['-f', '/nowhere/at-all'], 2, /^\/nowhere\/at-all cannot be read: there is no such file\.\n$/],
    [['-f', '/'], 2, /^\/ cannot be read: it is a folder\.\n$/],
    [[], 2, /Name a file with -f/],
    [['-f', '-'], 1, /standard input has no event/],
  ])('refuses %j with exit code %s', async (args, expected, message) => {
    const { code, stderr } = await hooktide(['events', 'validate', ...args], {})
    expect(code).toBe(expected)
    expect(stderr).toMatch(message)
  })
})
