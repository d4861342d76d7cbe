import { describe, expect, it } from 'vitest'
import { createAbsentRegistry, createSchemaSource } from '../../src/edge/registry/schema-source.ts'
import type { RegisteredSchema, RegistryAnswer } from '../../src/edge/registry/client.ts'
import type { SchemaSource } from '../../src/ports.ts'
import { createHandClock, settled, type HandClock } from '../support/hand-clock.ts'

type Answer = RegistryAnswer<RegisteredSchema>

const jsonSchema: Answer = { kind: 'found', value: { type: 'JSON', text: '{}', references: [] } }
const missing: Answer = { kind: 'missing', message: 'not found' }
const away: Answer = { kind: 'unavailable', message: 'It is away.', isDenied: false }
const avroOf = (text: string, references: RegisteredSchema['references'] = []): Answer => ({
  kind: 'found',
  value: { type: 'AVRO', text, references },
})

interface World {
  readonly clock: HandClock
  readonly source: SchemaSource
  /** Requests that the registry got. */
  readonly asked: string[]
  /** What happened, as text. */
  readonly logged: string[]
  /** What the registry answers from now on. */
  answers: (id: number) => Answer
  versions: (subject: string) => Answer
  /** Ids that heads wait for: they are looked for whenever the source says so. */
  readonly wanted: Set<number>
}

function makeWorld(): World {
  const clock = createHandClock()
  const asked: string[] = []
  const logged: string[] = []
  const wanted = new Set<number>()
  const world: Omit<World, 'source'> = {
    clock,
    asked,
    logged,
    wanted,
    answers: () => jsonSchema,
    versions: () => missing,
  }
  const source = createSchemaSource({
    clock,
    client: {
      schemaById(id) {
        asked.push(String(id))
        return Promise.resolve(world.answers(id))
      },
      version({ subject, version }) {
        asked.push(`${subject} ${version}`)
        return Promise.resolve(world.versions(subject))
      },
      stop: () => logged.push('stopped'),
    },
    onTrouble: (message) => logged.push(message),
    onRecovered: () => logged.push('mended'),
  })
  // At the end of the pass, as the processor does it.
  source.onAgain(() =>
    clock.soon(() => {
      for (const id of wanted) if (source.find(id) !== undefined) wanted.delete(id)
    }),
  )
  return Object.assign(world, { source })
}

function want({ source, wanted }: World, id: number): void {
  if (source.find(id) === undefined) wanted.add(id)
}

describe('a schema', () => {
  it('is asked for once, however many wait for it, and kept', async () => {
    const world = makeWorld()
    want(world, 1)
    want(world, 1)
    await settled()
    expect(world.wanted.size).toBe(0)
    expect(world.source.find(1)).toEqual({ kind: 'json' })
    await world.clock.advance(24 * 3_600_000)
    expect(world.source.find(1)).toEqual({ kind: 'json' })
    expect(world.asked).toEqual(['1'])
  })

  it('of Avro is compiled with those that it refers to, each asked for once', async () => {
    const world = makeWorld()
    const record = (name: string, type: string) =>
      JSON.stringify({ type: 'record', name, fields: [{ name: 'f', type }] })
    const leaf = { subject: 'leaf', version: 1 }
    const middle = { subject: 'middle', version: 2 }
    world.answers = () => avroOf(record('Top', 'Middle'), [leaf, middle])
    world.versions = (subject) =>
      subject === 'leaf' ? avroOf(record('Leaf', 'int')) : avroOf(record('Middle', 'Leaf'), [leaf])
    want(world, 1)
    await settled()
    const schema = world.source.find(1)
    expect(schema?.kind === 'avro' && schema.render(Buffer.from([8]))).toEqual({
      kind: 'text',
      text: '{"f":{"f":{"f":4}}}',
    })
    expect(world.asked).toEqual(['1', 'leaf 1', 'middle 2'])
  })

  it.each<[string, Answer, string]>([
    [
      'Protobuf',
      { kind: 'found', value: { type: 'PROTOBUF', text: '', references: [] } },
      'its type is PROTOBUF, and only AVRO and JSON can be read',
    ],
    ['Avro of no known type', avroOf('"Nope"'), 'it has the unknown type Nope'],
    [
      'a reference to what is not there',
      avroOf('"Nope"', [{ subject: 'nope', version: 1 }]),
      'it refers to version 1 of nope, which is not there',
    ],
  ])('that is %s is unusable', async (_, answer, message) => {
    const world = makeWorld()
    world.answers = () => answer
    want(world, 1)
    await settled()
    expect(world.source.find(1)).toEqual({ kind: 'unusable', message })
  })

  it('that refers to itself ends like any other', async () => {
    const world = makeWorld()
    const self = { subject: 'self', version: 1 }
    world.answers = () => avroOf('"int"', [self])
    world.versions = () => avroOf('"int"', [self])
    want(world, 1)
    await settled()
    expect(world.source.find(1)?.kind).toBe('avro')
  })
})

describe('a registry that is unavailable', () => {
  it('is asked at growing intervals, without end, and logged once', async () => {
    const world = makeWorld()
    world.answers = () => away
    want(world, 1)
    await world.clock.advance(24 * 3_600_000)
    // 0.5, 1, 2, 4, 8, 16 s, then every 30 s.
    expect(world.asked.length).toBeGreaterThan(2_880)
    expect(world.asked.length).toBeLessThan(2_900)
    expect(world.logged).toEqual(['It is away.'])
    expect(world.source.trouble()).toBe('It is away.')
    world.answers = () => jsonSchema
    await world.clock.advance(30_000)
    expect(world.source.find(1)).toEqual({ kind: 'json' })
    expect(world.logged).toEqual(['It is away.', 'mended'])
    expect(world.source.trouble()).toBeUndefined()
  })

  it('is logged again when the reason changes', async () => {
    const world = makeWorld()
    world.answers = () => away
    want(world, 1)
    await world.clock.advance(5_000)
    world.answers = () => ({ kind: 'unavailable', message: 'It denies.', isDenied: true })
    await world.clock.advance(60_000)
    expect(world.logged).toEqual(['It is away.', 'It denies.'])
  })

  it('makes no id unknown: tries that had no answer do not count', async () => {
    const world = makeWorld()
    let tries = 0
    world.answers = () => (tries++ % 2 === 0 ? away : missing)
    want(world, 1)
    await world.clock.advance(1_000)
    expect(world.source.find(1)).toBeUndefined()
    await world.clock.advance(10_000)
    expect(world.source.find(1)).toEqual({ kind: 'unknown' })
  })

  it('is not asked when nothing waits', async () => {
    const world = makeWorld()
    world.answers = () => away
    want(world, 1)
    await world.clock.advance(5_000)
    world.wanted.clear()
    const before = world.asked.length
    await world.clock.advance(3_600_000)
    expect(world.asked.length).toBe(before + 1)
    expect(world.logged).toEqual(['It is away.', 'mended'])
    want(world, 1)
    await settled()
    expect(world.asked.length).toBe(before + 2)
  })

  it('delays one schema, and not another one that it gives', async () => {
    const world = makeWorld()
    world.answers = (id) => (id === 1 ? away : jsonSchema)
    want(world, 1)
    want(world, 2)
    await settled()
    expect([...world.wanted]).toEqual([1])
  })

  it('is not asked after stop', async () => {
    const world = makeWorld()
    world.answers = () => away
    want(world, 1)
    await world.clock.advance(600)
    world.source.stop()
    const before = world.asked.length
    await world.clock.advance(3_600_000)
    expect(world.source.find(2)).toBeUndefined()
    await settled()
    expect(world.asked.length).toBeLessThanOrEqual(before + 1)
    expect(world.logged).toEqual(['It is away.', 'stopped'])
  })
})

describe('an id that the registry does not have', () => {
  it('is unknown after three tries, and asked for again after half a minute', async () => {
    const world = makeWorld()
    world.answers = () => missing
    want(world, 1)
    await settled()
    expect(world.source.find(1)).toBeUndefined()
    await world.clock.advance(300)
    expect(world.source.find(1)).toEqual({ kind: 'unknown' })
    expect(world.asked).toEqual(['1', '1', '1'])
    world.answers = () => jsonSchema
    await world.clock.advance(29_000)
    expect(world.source.find(1)).toEqual({ kind: 'unknown' })
    await world.clock.advance(1_000)
    want(world, 1)
    await settled()
    expect(world.source.find(1)).toEqual({ kind: 'json' })
    expect(world.logged).toEqual([])
  })

  it('is delivered when it comes with the second try', async () => {
    const world = makeWorld()
    let tries = 0
    world.answers = () => (tries++ === 0 ? missing : jsonSchema)
    want(world, 1)
    await world.clock.advance(150)
    expect(world.source.find(1)).toEqual({ kind: 'json' })
  })

  it('costs one request when there are many like it, and memory for a thousand', async () => {
    const world = makeWorld()
    world.answers = () => missing
    for (let id = 1; id <= 5_000; id += 1) {
      want(world, id)
      await world.clock.advance(0)
      if (world.wanted.size > 0) await world.clock.advance(300)
    }
    expect(world.asked.length).toBe(17 * 3 + (5_000 - 17))
    world.asked.length = 0
    want(world, 4_500)
    expect(world.asked).toEqual([])
    want(world, 3_500)
    await settled()
    expect(world.asked).toEqual(['3500'])
  })
})

describe('where no registry is set', () => {
  it('every id gives that answer, and the first request is logged', () => {
    let logged = 0
    const source = createAbsentRegistry(() => (logged += 1))
    expect([source.find(1), source.find(2)]).toEqual([
      { kind: 'no-registry' },
      { kind: 'no-registry' },
    ])
    expect(logged).toBe(1)
  })
})
