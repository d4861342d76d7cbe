import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/core/model/model.ts'
import { endingOf, resultOf } from '../../src/core/run/result.ts'
import type { DeliveryResult } from '../../src/core/model/records.ts'
import { connectAdmin } from '../../src/edge/kafka/admin.ts'
import { createSink } from '../../src/edge/kafka/sink.ts'
import { RegistryClient } from '../../src/edge/registry/client.ts'
import {
  connectResultEncoder,
  jsonResultEncoder,
  subjectOf,
} from '../../src/edge/registry/result-codec.ts'
import { registerSchema } from '../../src/edge/registry/schema-registration.ts'
import { systemClock } from '../../src/edge/system-clock.ts'
import { hooktide } from '../support/hooktide-process.ts'
import { listening } from '../support/listening.ts'
import { useKafka } from '../support/kafka-tools.ts'
import { eventOf, runOf } from '../support/model-builders.ts'
import { uniqueNames } from '../support/names.ts'
import { surroundings } from '../support/sandbox.ts'

const quiet = () => undefined
const at = Date.parse('2026-09-14T09:02:11.019Z')

function settings() {
  return { brokers: surroundings().brokers, clientId: 'test' }
}

function environmentOf(prefix: string): Readonly<Record<string, string>> {
  return { KAFKA_BROKERS: surroundings().brokers.join(','), HOOKTIDE_TOPIC_PREFIX: prefix }
}

async function createResultsTopic(prefix: string): Promise<string> {
  const admin = await connectAdmin(settings(), quiet)
  const topic = `${prefix}.webhook.results`
  // The records have times of long ago: retention would remove them at once.
  await admin.createTopic({ topic, partitions: 3, configs: { 'retention.ms': '-1' } })
  await admin.stop()
  return topic
}

async function write(topic: string, ...values: readonly (Buffer | null)[]): Promise<void> {
  const sink = createSink({ settings: settings(), log: quiet })
  await sink.write(values.map((value) => ({ topic, key: null, value, headers: [] })))
  await sink.stop()
}

interface Case {
  readonly hookId: string
  readonly verdict: Verdict
  readonly status?: number
  readonly event?: string
  readonly tenantId?: string
}

function resultFor({ hookId, verdict, status, event, tenantId }: Case): DeliveryResult {
  const phases = { connectMs: 1, firstByteMs: 2, totalMs: 12.4 }
  const result =
    status === undefined
      ? ({ kind: 'error', errorClass: 'dns', message: 'no \u001b[2Jhost', status, phases } as const)
      : ({ kind: 'response', status, retryAfterMs: undefined, body: '', phases } as const)
  const facts = {
    run: runOf({
      hookId,
      deliveryId: deliveryIdFor(hookId),
      event: eventOf({
        eventId: `evt-${hookId}`,
        event: event ?? 'PostSignIn',
        tenantId: tenantId ?? 'default',
      }),
    }),
    verdict,
    configVersion: '0-0',
    source: { topic: 'auth.events', partition: 0, offset: 7 },
    instance: 'test',
    at,
    attempt: {
      result,
      kept: { responseBody: null, errorMessage: result.kind === 'error' ? result.message : null },
      shownUrl: 'https://receiver.example/',
      maxAttempts: 10,
      queuedMs: 0,
    },
  }
  return resultOf(facts, endingOf(verdict, result))
}

/** `dlv_` and 22 characters, as each of them has. */
function deliveryIdFor(hookId: string): string {
  return `dlv_${hookId.padEnd(22, '0')}`
}

const cases: readonly Case[] = [
  { hookId: 'ok', verdict: { kind: 'delivered' }, status: 200 },
  { hookId: 'ok2', verdict: { kind: 'delivered' }, status: 204, event: 'User.Created' },
  { hookId: 'late', verdict: { kind: 'retry', dueAt: at + 65_000, earlyMs: 0 } },
  { hookId: 'gone', verdict: { kind: 'dead', reason: 'gone' }, status: 410, tenantId: 'acme' },
]

describe('results of a topic with plain JSON', () => {
  const { prefix } = uniqueNames()
  let topic: string
  beforeAll(async () => {
    topic = await createResultsTopic(prefix)
    const bytes = cases.map((one) => jsonResultEncoder.encode(resultFor(one)))
    const hostile = {
      ...resultFor({ hookId: 'odd', verdict: { kind: 'expired', isLate: true } }),
      attemptedAt: 1e300,
    }
    const others = ['nonsense', '{"a":1}', JSON.stringify(hostile)].map((text) => Buffer.from(text))
    await write(topic, ...bytes, ...others, null)
  })

  const results = (...flags: readonly string[]) =>
    hooktide(['results', ...flags], environmentOf(prefix))

  async function hooksShown(...flags: readonly string[]): Promise<readonly string[]> {
    const range = flags.includes('--from') ? [] : ['--from', 'earliest']
    const { code, stdout } = await results('--json', ...range, ...flags)
    expect(code).toBe(0)
    const lines = stdout.split('\n').filter((line) => line !== '')
    return lines.map((line) => String(JSON.parse(line).hookId)).toSorted()
  }

  it('are records with the field names of the schema, and other records are named and skipped', async () => {
    const { code, stdout, stderr } = await results('--until-end', '--json')
    expect(code).toBe(0)
    const shown = stdout
      .trim()
      .split('\n')
      .map((line): DeliveryResult => JSON.parse(line))
    const byHook = (a: DeliveryResult, b: DeliveryResult) => a.hookId.localeCompare(b.hookId)
    expect(shown.toSorted(byHook)).toEqual(cases.map(resultFor).toSorted(byHook))
    const notes = stderr.trim().split('\n')
    expect(notes).toHaveLength(4)
    for (const note of notes)
      expect(note).toMatch(new RegExp(`^${topic}-\\d-\\d+ is skipped: it (is not|cannot)`))
  })

  it.each([
    [['--hook', 'ok'], ['ok']],
    [['--tenant', 'acme'], ['gone']],
    [['--delivery', deliveryIdFor('late')], ['late']],
    [['--event-id', 'evt-ok2'], ['ok2']],
    [['--event', 'User.Created'], ['ok2']],
    [['--outcome', 'retrying'], ['late']],
    [['--final'], ['gone', 'ok', 'ok2']],
    [['--final', '--event', 'PostSignIn', '--tenant', 'default'], ['ok']],
    [
      ['--hook', 'ok,gone', '--status', '2xx,410'],
      ['gone', 'ok'],
    ],
    [['--to', '2100-01-01', '--blame', 'network'], ['late']],
    [['--to', '2020-01-01'], []],
    [['--from', '2100-01-01'], []],
    [
      ['--from', '1h'],
      ['gone', 'late', 'ok', 'ok2'],
    ],
  ])('are filtered by %j', async (flags, expected) => {
    expect(await hooksShown(...flags)).toEqual(expected)
  })

  it('stop at the limit', async () => {
    expect(await hooksShown('--limit', '2')).toHaveLength(2)
  })

  it('are one plain line each without a terminal', async () => {
    const { stdout } = await results('--until-end', '--hook', 'gone')
    const [heading, line, ...others] = stdout.split('\n').map((text) => text.split(/ {2,}/))
    expect(heading).toEqual([
      ...['TIME', 'OUTCOME', 'ANSWER', 'ATTEMPT', 'TRIGGER', 'TENANT', 'HOOK', 'EVENT'],
      ...['DELIVERY', 'TOOK', 'EVENT ID', 'NEXT'],
    ])
    expect(line).toEqual([
      ...['2026-09-14T09:02:11.019Z', 'dead', '410', '1 of 10', 'event', 'acme', 'gone'],
      ...['PostSignIn', deliveryIdFor('gone'), '12 ms', 'evt-gone', 'gone'],
    ])
    expect(others).toEqual([['']])
    const retry = await results('--until-end', '--hook', 'late')
    expect(retry.stdout).toContain('2026-09-14T09:03:16.019Z, no \\u001b[2Jhost\n')
  })

  it.each([
    [['--from', 'monday'], /--from must be earliest/],
    [['--follow', '--until-end'], /give one of them/],
    [['--follow', '--last', '3'], /--follow and --last exclude each other/],
    [['--from', 'latest'], /--from latest needs --follow/],
    [['--from', '1h', '--to', '2h'], /--to must be later than --from/],
    [['--limit', 'many'], /--limit must be a whole number/],
    [['--delivery', 'dlv_late'], /--delivery must be the id of a delivery: dlv_ and 22 characters/],
  ])('are not shown for %j, which has exit code 2', async (flags, message) => {
    const { code, stderr } = await results(...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  it.each([
    [['--until-end', '--hook', 'nobody'], /^There are no results in \S+ that match\.$/m],
    [['--from', '2100-01-01'], /^There are no results in \S+ since 2100-01-01T00:00:00\.000Z\.$/m],
  ])(
    'that are none for %j leave standard output empty, and say so beside it',
    async (flags, note) => {
      const { code, stdout, stderr } = await results(...flags)
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
      expect(stderr).toMatch(note)
    },
  )

  it.each([[[]], [['--last', '3']], [['--to', '1h']]])(
    'say that the topic does not exist, with %j',
    async (flags) => {
      const { code, stderr } = await hooktide(
        ['results', ...flags],
        environmentOf(`${prefix}-none`),
      )
      expect(code).toBe(1)
      expect(stderr).toBe(
        `Topic ${prefix}-none.webhook.results does not exist: run "hooktide init".\n`,
      )
    },
  )
})

describe('results in several partitions', () => {
  const { prefix } = uniqueNames()
  /** Each in a partition of its own order, and long after what the other partitions have. */
  const written = Array.from({ length: 3_000 }, (_, index) => ({
    partition: index % 3,
    timestamp: at + (index % 3) * 1_000_000 + index,
    hookId: `hook-${index}`,
  }))
  const inOrder = written.toSorted((one, other) => one.timestamp - other.timestamp)
  async function writeAll(): Promise<void> {
    const topic = await createResultsTopic(prefix)
    const { produce } = await useKafka(surroundings().brokers)
    await produce(
      topic,
      written.map(({ hookId, partition, timestamp }) => ({
        partition,
        timestamp: String(timestamp),
        value: jsonResultEncoder.encode(resultFor({ hookId, verdict: { kind: 'delivered' } })),
      })),
    )
  }

  async function hooksShown(...flags: readonly string[]): Promise<readonly string[]> {
    const { code, stdout } = await hooktide(['results', '--json', ...flags], environmentOf(prefix))
    expect(code).toBe(0)
    const lines = stdout.split('\n').filter((line) => line !== '')
    return lines.map((line) => String(JSON.parse(line).hookId))
  }

  it('come in the order in which they were written, also from the end backwards', async () => {
    await writeAll()
    const hooks = inOrder.map(({ hookId }) => hookId)
    expect(await hooksShown('--from', 'earliest')).toEqual(hooks)
    const to = new Date(inOrder[1_500]?.timestamp ?? 0).toISOString()
    expect(await hooksShown('--to', to)).toEqual(hooks.slice(0, 1_500))
    expect(await hooksShown('--last', '5')).toEqual(hooks.slice(-5))
    expect(await hooksShown('--last', '5', '--to', to)).toEqual(hooks.slice(1_495, 1_500))
    const rare = [hooks[2], hooks[1_700]]
    expect(await hooksShown('--last', '5', '--hook', rare.join(','))).toEqual(rare)
  })
})

describe('results with --follow', () => {
  it('are shown as they are written, until Ctrl-C, which is not a failure', async () => {
    const { prefix } = uniqueNames()
    const topic = await createResultsTopic(prefix)
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
    const args = [cli, 'results', '--follow', '--from', 'earliest', '--json']
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...environmentOf(prefix) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      for (const one of cases.slice(0, 3)) {
        await write(topic, jsonResultEncoder.encode(resultFor(one)))
        const { value } = await lines.next()
        expect(JSON.parse(String(value))).toMatchObject({ hookId: one.hookId })
      }
      child.kill('SIGINT')
      expect(await once(child, 'exit')).toEqual([0, null])
    } finally {
      child.kill('SIGKILL')
    }
  })
})

describe('results that are past', () => {
  /** More than a pipe holds, so that the command cannot end before it is read. */
  async function started(...args: readonly string[]) {
    const { prefix } = uniqueNames()
    const topic = await createResultsTopic(prefix)
    const message = 'x'.repeat(4_000)
    const results = Array.from({ length: 300 }, () => ({
      ...resultFor({ hookId: 'h', verdict: { kind: 'delivered' } }),
      errorMessage: message,
    }))
    await write(topic, ...results.map((one) => jsonResultEncoder.encode(one)))
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
    const child = spawn(process.execPath, [cli, 'results', '--json', ...args], {
      env: { ...process.env, ...environmentOf(prefix) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await once(child.stdout, 'readable')
    return child
  }

  it('do not pass for all of them when a signal ends the command', async () => {
    const child = await started('--from', 'earliest')
    child.kill('SIGTERM')
    // Read before the signal has come, all of them would be there, and that is no failure.
    const [said] = await once(child.stderr, 'data')
    expect(String(said)).toContain('Interrupted')
    child.stdout.resume()
    expect(await once(child, 'exit')).toEqual([143, null])
  })

  it('are enough for a reader who takes no more', async () => {
    const child = await started('--from', 'earliest')
    child.stdout.destroy()
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})

/** A registry that is down for its first calls, and then the real one. */
async function startFlakyRegistry(failures: number) {
  const { registryUrl } = surroundings()
  let calls = 0
  const server = createServer((request, response) => {
    calls += 1
    if (calls <= failures) {
      response.writeHead(503).end()
      return
    }
    void fetch(`${registryUrl}${request.url ?? ''}`).then(async (answer) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(await answer.text())
    })
  })
  return `http://127.0.0.1:${await listening(server)}`
}

describe('results framed for a registry', () => {
  const { prefix } = uniqueNames()
  const results = cases.map(resultFor)
  beforeAll(async () => {
    const topic = await createResultsTopic(prefix)
    const { registryUrl } = surroundings()
    const registry = { url: registryUrl, username: undefined, password: undefined }
    await registerSchema(new RegistryClient(registry), subjectOf(topic), 'result')
    const connection = { settings: registry, topic, clock: systemClock, onWaiting: quiet }
    const encoder = await connectResultEncoder(connection)
    await write(topic, ...results.map((one) => encoder.encode(one)), Buffer.from([0, 1, 2]))
  })

  const args = ['results', '--from', 'earliest', '--json', '--final', '--tenant', 'acme']

  it('are read with the registry, and without it the command says what is missing', async () => {
    const { registryUrl } = surroundings()
    const environment = { ...environmentOf(prefix), SCHEMA_REGISTRY_URL: registryUrl }
    const { code, stdout, stderr } = await hooktide(args, environment)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(results[3])
    expect(stderr.trim().split('\n')).toHaveLength(1)
    const without = await hooktide(args, environmentOf(prefix))
    expect(without.code).toBe(1)
    expect(without.stderr).toContain('set SCHEMA_REGISTRY_URL')
  })

  it('are not skipped while the registry does not answer: the command ends with one sentence', async () => {
    const url = await startFlakyRegistry(Number.POSITIVE_INFINITY)
    const environment = { ...environmentOf(prefix), SCHEMA_REGISTRY_URL: url }
    const { code, stdout, stderr } = await hooktide(args, environment)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    const lines = stderr.split('\n').filter((line) => !line.includes('is skipped'))
    expect(lines).toEqual([expect.stringMatching(/registry .*503.*check SCHEMA_REGISTRY_URL/), ''])
  })

  it('wait for the registry with --follow, and say so once', async () => {
    const environment = {
      ...environmentOf(prefix),
      SCHEMA_REGISTRY_URL: await startFlakyRegistry(2),
    }
    const { code, stdout, stderr } = await hooktide(
      [...args, '--follow', '--limit', '1'],
      environment,
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(results[3])
    expect(stderr.match(/Waiting for it; Ctrl-C ends\./g)).toHaveLength(1)
  })
})
