import { describe, expect, it } from 'vitest'
import { readJsonObject } from '../../../src/core/text/json-text.ts'
import { UserError } from '../../../src/core/model/errors.ts'
import type { Signal } from '../../../src/core/signal/signal.ts'
import {
  createLog,
  createSignalLog,
  logCrash,
  logRefusal,
  type LogFormat,
  type LogOptions,
} from '../../../src/edge/telemetry/signal-log.ts'
import { createHandClock } from '../../support/hand-clock.ts'

const source = { topic: 'auth.events', partition: 3, offset: 41 }
const problem = { field: 'config.url', message: 'must be an https URL' }
const place = { hookId: 'a', tenantId: 'default' }
const changed = {
  ...place,
  from: 'healthy',
  to: 'open',
  reason: 'failures',
  until: Date.UTC(2026, 8, 14),
  writtenBy: 'another',
} as const

/** One of each kind, with all that it may have. */
const signals: { readonly [Kind in Signal['kind']]: Signal & { readonly kind: Kind } } = {
  'event.unmatched': { kind: 'event.unmatched' },
  'filter.failed': { kind: 'filter.failed', hookId: 'a', fault: 'type' },
  'record.rejected': {
    kind: 'record.rejected',
    source,
    reason: 'invalid-json',
    field: '',
    message: 'The value is not JSON.',
  },
  'delivery.recorded': {
    kind: 'delivery.recorded',
    trigger: 'event',
    deliveryId: 'dlv_4pX0cV3mJrKq8sT1uWyZ2a',
    run: 'auth.events/3/41',
    event: 'PostSignIn',
    ...place,
    outcome: 'retrying',
    reason: undefined,
    attempt: 1,
    maxAttempts: 10,
    status: 500,
    errorClass: 'http',
    blame: 'endpoint',
    totalMs: 12.3,
    sinceEventMs: 4,
    nextDueAt: Date.UTC(2026, 8, 14),
    source,
  },
  'run.hopped': { kind: 'run.hopped', tier: 'auth.webhook.retry.5s' },
  'run.deferred': { kind: 'run.deferred', tier: 'auth.webhook.retry.5s' },
  'run.split': { kind: 'run.split' },
  'lanes.idle': { kind: 'lanes.idle', laneMs: 5 },
  'connection.stale': { kind: 'connection.stale' },
  'run.repeated': { kind: 'run.repeated', deliveryId: 'dlv_4pX0cV3mJrKq8sT1uWyZ2a' },
  'hook.changed': { kind: 'hook.changed', hookId: 'a', configVersion: '0-1', change: 'set' },
  'hook.suspended': {
    kind: 'hook.suspended',
    hookId: 'a',
    configVersion: '0-1',
    problems: [problem],
  },
  'hook.unusable': { kind: 'hook.unusable', source, problem },
  'endpoint.changed': { kind: 'endpoint.changed', ...changed },
  'endpoint.disabled': { kind: 'endpoint.disabled', ...changed, to: 'disabled', until: null },
  'endpoint.unusable': { kind: 'endpoint.unusable', source, problem },
  'notice.written': { kind: 'notice.written', event: 'Hooktide.Endpoint.Open', hookId: 'a' },
  'notice.left-out': {
    kind: 'notice.left-out',
    event: 'Hooktide.Endpoint.Open',
    hookId: 'a',
    cause: 'tenant-rate',
  },
  'table.loaded': { kind: 'table.loaded', hooks: 2, suspended: 1 },
  'group.assigned': { kind: 'group.assigned', group: 'hooktide', kept: 1, gained: 2, lost: 0 },
  'group.draining': { kind: 'group.draining', group: 'hooktide', inFlight: 3 },
  'commit.acknowledged': {
    kind: 'commit.acknowledged',
    group: 'hooktide',
    partitions: 6,
    latencyMs: 1.5,
  },
  'commit.failed': { kind: 'commit.failed', group: 'hooktide', outcome: 'stale' },
  'commit.foreign': {
    kind: 'commit.foreign',
    group: 'hooktide',
    count: 1,
    partitions: ['auth.events/3'],
    message: 'it is ignored',
  },
  'name.asked': { kind: 'name.asked', host: 'a.example', outcome: 'silent', tookMs: 8_000 },
  'name.stale': { kind: 'name.stale', host: 'a.example' },
  'name.unanswered': { kind: 'name.unanswered', host: 'a.example', more: 2 },
  'name.recovered': { kind: 'name.recovered', host: 'a.example', staleMs: 60_000, more: 2 },
  'calls.stopped': { kind: 'calls.stopped', cause: 'rebalance' },
  'calls.resumed': { kind: 'calls.resumed' },
}

function linesOf(
  write: (options: LogOptions) => void,
  { format = 'auto', isTerminal = false }: { format?: LogFormat; isTerminal?: boolean } = {},
): readonly string[] {
  let text = ''
  const output = { isTerminal, write: (part: string) => void (text += part) }
  write({ level: 'trace', instance: 'one', format, output })
  expect(text.endsWith('\n')).toBe(true)
  return text.trimEnd().split('\n')
}

function signalLines(format: LogFormat): readonly string[] {
  return linesOf(
    (options) => {
      const clock = createHandClock()
      const { write } = createSignalLog({ ...options, clock, attemptsPerSecond: 20 })
      for (const signal of Object.values(signals)) write(signal)
    },
    { format },
  )
}

/** The members of a line; none has a key twice. */
function membersOf(line: string): Readonly<Record<string, unknown>> {
  const read = readJsonObject(Buffer.from(line))
  expect(read.kind, line).toBe('object')
  return read.kind === 'object' ? read.members : {}
}

const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const levelName = expect.stringMatching(/^(?:trace|debug|info|warn|error|fatal)$/)

describe('a line of the log', () => {
  it('of each signal has no key twice, its level by name and its time by ISO 8601', () => {
    const lines = signalLines('json')
    expect(lines).toHaveLength(Object.keys(signals).length)
    for (const line of lines) {
      expect(membersOf(line)).toMatchObject({ level: levelName, time: isoTime, instance: 'one' })
      // No other time is a number either.
      expect(line).not.toMatch(/:\d{12,}/)
    }
    expect(
      membersOf(lines.find((line) => line.includes('"endpoint.changed"')) ?? ''),
    ).toMatchObject({ level: 'info', writtenBy: 'another', until: '2026-09-14T00:00:00.000Z' })
    expect(membersOf(lines.find((line) => line.includes('delivery.recorded')) ?? '')).toMatchObject(
      {
        nextDueAt: '2026-09-14T00:00:00.000Z',
      },
    )
  })

  it('keeps fields of a library that have names of its own beside them', () => {
    const [line = ''] = linesOf((options) =>
      createLog(options).warn({ level: 4, time: 1, instance: 2, msg: 3, other: 5 }, 'kafkajs: hm'),
    )
    expect(membersOf(line)).toEqual({
      level: 'warn',
      time: isoTime,
      instance: 'one',
      level_: 4,
      time_: 1,
      instance_: 2,
      msg_: 3,
      other: 5,
      msg: 'kafkajs: hm',
    })
  })

  it.each<[string, (options: LogOptions) => void, object]>([
    [
      'before the settings are read',
      (options) =>
        logRefusal(UserError.listing('Settings are not usable', ['one', 'two']), {
          ...options,
          instance: undefined,
        }),
      { level: 'fatal', time: isoTime, msg: 'Settings are not usable', problems: ['one', 'two'] },
    ],
    [
      'of an error that nobody expected',
      (options) => logCrash(new TypeError('x is not a function'), options),
      {
        level: 'fatal',
        time: isoTime,
        instance: 'one',
        msg: 'failed in a way that it does not know',
        error: 'x is not a function',
        stack: expect.stringContaining('signal-log.test.ts'),
      },
    ],
    [
      'of a thrown text',
      (options) => logCrash('out of luck', options),
      { level: 'fatal', error: 'out of luck' },
    ],
  ])('%s has the same form', (_, write, members) => {
    const [line = ''] = linesOf(write)
    expect(membersOf(line)).toMatchObject(members)
  })

  it('is JSON where it goes to no terminal, and readable where it does, unless the setting says otherwise', () => {
    const write = (options: LogOptions) => createLog(options).info({ port: 9_400 }, 'listening')
    const isJson = (line: string | undefined) => line?.startsWith('{') === true
    const forms = (['auto', 'json', 'pretty'] as const).flatMap((format) =>
      [true, false].map((isTerminal) => [
        format,
        isTerminal,
        isJson(linesOf(write, { format, isTerminal })[0]),
      ]),
    )
    expect(forms).toEqual([
      ['auto', true, false],
      ['auto', false, true],
      ['json', true, true],
      ['json', false, true],
      ['pretty', true, false],
      ['pretty', false, false],
    ])
  })

  it('at a terminal has time, level, message and fields, those of many parts on lines of their own', () => {
    const problems = ['HOOKTIDE_TIMEOUT_MS must be a whole number', 'KAFKA_BROKERS must name one']
    const lines = linesOf(
      (options) => {
        const log = createLog(options)
        log.info({ port: 9_400, name: 'two words', none: null, topics: ['a', 'b'] }, 'listening')
        log.fatal({ problems, code: 2 }, 'Settings are not usable')
        log.warn({ settings: { brokers: ['localhost:9092'], groupId: 'x'.repeat(80) } }, 'starting')
      },
      { format: 'pretty' },
    )
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3}Z/, 'TIME'))).toEqual([
      'TIME INFO  listening port=9400 name="two words" none=null topics=["a","b"]',
      'TIME FATAL Settings are not usable code=2 problems:',
      '    - "HOOKTIDE_TIMEOUT_MS must be a whole number"',
      '    - "KAFKA_BROKERS must name one"',
      'TIME WARN  starting settings:',
      '    brokers=["localhost:9092"]',
      `    groupId=${'x'.repeat(80)}`,
    ])
  })

  const hostile = 'a\u001B[2J\u009B31m\u202Eb\u2066\u200F\uFEFF\uD800\r\n\u007F'

  it.each(['json', 'pretty'] as const)(
    'in the form %s has no character that a terminal obeys, or that turns the order of what is read',
    (format) => {
      const lines = linesOf(
        (options) => {
          const log = createLog(options)
          log.warn({ [hostile]: hostile, list: [hostile, 'x'.repeat(100)], url: hostile }, hostile)
          log.warn(
            { of: { [hostile]: hostile.repeat(10) }, word: '\u202Ex' },
            'kafkajs: \u001B]0;title\u0007',
          )
        },
        { format },
      )
      expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
      expect(lines.join('')).toContain('\\u202e')
    },
  )

  it('at a terminal passes on what is no JSON object', () => {
    expect(signalLines('pretty').every((line) => /^(?:\d\d:|    )/.test(line))).toBe(true)
  })

  it('warns that calls are stopped, unless the process stops in an orderly way', () => {
    const lines = linesOf((options) => {
      const { write } = createSignalLog({
        ...options,
        clock: createHandClock(),
        attemptsPerSecond: 20,
      })
      write({ kind: 'calls.stopped', cause: 'results-pending' })
      write({ kind: 'calls.stopped', cause: 'stopping' })
    })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', cause: 'results-pending' },
      { level: 'info', cause: 'stopping' },
    ])
  })
})
