import { describe, expect, it } from 'vitest'
import type { AttemptResult, OutboundRecord, Topics } from '../../../src/core/model/model.ts'
import type { DeliveryResult } from '../../../src/core/model/records.ts'
import {
  recordingOf,
  type RunStep,
  type Recording,
  type RunContext,
} from '../../../src/core/run/recording.ts'
import { endpointSignOf } from '../../../src/core/run/verdict.ts'
import { hookOf, runOf } from '../../support/model-builders.ts'

const now = 1_000_000
const topics: Topics = {
  ...{ events: ['events'], hooks: 'hooks', results: 'results', requests: 'requests' },
  ...{ deadLetters: 'dead', rejected: 'rejected', endpoints: 'endpoints', retryPrefix: 'retry.' },
}
const rules = {
  topics,
  tiers: [
    { topic: 'retry.5s', delayMs: 5_000 },
    { topic: 'retry.5m', delayMs: 300_000 },
  ],
  schedule: [5_000, 300_000],
  keeping: { bodies: 'failures', egressProxy: undefined },
  instance: 'i-1',
  encode: (result: DeliveryResult) => Buffer.from(JSON.stringify(result)),
} as const
const phases = { connectMs: 1, firstByteMs: 2, totalMs: 3 }

function handOf(context: Partial<RunContext> = {}): RunContext {
  const source = { topic: 'events', partition: 1, offset: 7 }
  const run = runOf({})
  return { run, source, writtenAt: now - 40, isOwned: true, isHandedOver: false, ...context }
}

function attempted(result: AttemptResult): RunStep {
  return {
    ...{ kind: 'attempted', result, sign: endpointSignOf(result), hook: hookOf({}) },
    ...{ shownUrl: 'https://a.example/', headers: {}, startedAt: now - 3, queuedMs: 1 },
  }
}

function answer(status: number): RunStep {
  return attempted({ kind: 'response', status, retryAfterMs: undefined, body: '', phases })
}

const aborted = attempted({ kind: 'aborted', phases })

function ended(verdict: Extract<RunStep, { kind: 'ended' }>['verdict']): RunStep {
  return { kind: 'ended', verdict, configVersion: undefined }
}

const exhausted = ended({ kind: 'dead', reason: 'exhausted' })
const deferred = ended({ kind: 'deferred', dueAt: now + 9_000, earlyMs: 0, isBlocked: true })

function recorded(step: RunStep, context: Partial<RunContext> = {}): Recording {
  return recordingOf(handOf(context), step, rules, { now, random: 0 })
}

interface Expected {
  readonly written: readonly string[]
  readonly progress: Recording['progress']
}

function topicsOf({ records }: Recording): readonly string[] {
  return records.map(({ topic }) => topic)
}

function headersOf(record: OutboundRecord | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...(record?.headers ?? [])].map(([name, text]) => [name, String(text)]),
  )
}

describe('the records of a step of a run', () => {
  it.each<[string, RunStep, Partial<RunContext>, Expected]>([
    ['a success: its result', answer(204), {}, { written: ['results'], progress: 'ended' }],
    [
      'a failure: its result, then its retry',
      answer(500),
      {},
      { written: ['results', 'retry.5s'], progress: 'continues' },
    ],
    [
      'a last failure: its dead letter, then its result',
      answer(500),
      { run: runOf({ attempt: 2 }) },
      { written: ['dead', 'results'], progress: 'ended' },
    ],
    [
      'a last failure of a test: its result alone',
      answer(410),
      { run: runOf({ trigger: 'test' }) },
      { written: ['results'], progress: 'ended' },
    ],
    [
      'a deferral: its result, then its tier record',
      deferred,
      {},
      { written: ['results', 'retry.5s'], progress: 'continues' },
    ],
    [
      'a later deferral: its tier record alone',
      deferred,
      { run: runOf({ deferrals: 1 }) },
      { written: ['retry.5s'], progress: 'continues' },
    ],
    [
      'a discard: its result',
      ended({ kind: 'discarded', reason: 'hook-deleted' }),
      {},
      { written: ['results'], progress: 'ended' },
    ],
    [
      'an expiry: its dead letter, then its result',
      ended({ kind: 'expired', isLate: false }),
      {},
      { written: ['dead', 'results'], progress: 'ended' },
    ],
    [
      'a hop: its tier record',
      { kind: 'hopped' },
      {},
      { written: ['retry.5s'], progress: 'continues' },
    ],
    ['a split: a request', { kind: 'split' }, {}, { written: ['requests'], progress: 'continues' }],
    ['an aborted call: its result', aborted, {}, { written: ['results'], progress: 'interrupted' }],
    [
      'an aborted call that is handed over: its result, then a request',
      aborted,
      { isHandedOver: true },
      { written: ['results', 'requests'], progress: 'continues' },
    ],
    [
      'a record that is too large: a dead letter, then its result',
      { kind: 'too-large' },
      {},
      { written: ['dead', 'results'], progress: 'ended' },
    ],
  ])('of %s', (_, step, context, { written, progress }) => {
    const recording = recorded(step, context)
    expect(topicsOf(recording)).toEqual(written)
    expect(recording.progress).toBe(progress)
  })

  it.each<[string, RunStep, Partial<RunContext>, readonly string[]]>([
    ['a success', answer(200), {}, ['results']],
    ['a failure', answer(500), {}, ['results']],
    ['a last failure', answer(500), { run: runOf({ attempt: 2 }) }, ['results']],
    ['an aborted call that is handed over', aborted, { isHandedOver: true }, ['results']],
    ['a record that is too large', { kind: 'too-large' }, {}, []],
  ])(
    'are at most a result for a run that another process owns, after %s',
    (_, step, context, written) => {
      expect(topicsOf(recorded(step, { ...context, isOwned: false }))).toEqual(written)
    },
  )

  it('leave a run undecided that another process owns when its record is too large', () => {
    expect(recorded({ kind: 'too-large' }, { isOwned: false }).progress).toBe('interrupted')
  })

  it('call a failure for a run that another process owns interrupted, since its owner decides', () => {
    const [result] = recorded(answer(500), { isOwned: false }).records
    expect(JSON.parse(String(result?.value))).toMatchObject({ outcome: 'interrupted' })
    const [success] = recorded(answer(200), { isOwned: false }).records
    expect(JSON.parse(String(success?.value))).toMatchObject({ outcome: 'delivered' })
  })

  it('count an attempt that was made, and none that was not', () => {
    const attemptsOf = ({ records }: Recording) => headersOf(records.at(-1))['hooktide-attempt']
    expect(attemptsOf(recorded(answer(500)))).toBe('1')
    expect(attemptsOf(recorded(deferred))).toBe('0')
    expect(attemptsOf(recorded({ kind: 'split' }))).toBe('0')
    expect(headersOf(recorded(exhausted).records[0])['hooktide-attempt']).toBe('0')
  })

  it('count each time that the run is written again', () => {
    const hopsOf = ({ records }: Recording) => headersOf(records.at(-1))['hooktide-hop']
    for (const step of [answer(500), deferred, { kind: 'hopped' }, { kind: 'split' }] as const) {
      expect(hopsOf(recorded(step, { run: runOf({ hop: 4 }) }))).toBe('5')
    }
  })

  it('leave body and own headers out of a dead letter for a record that is too large', () => {
    const [letter] = recorded({ kind: 'too-large' }).records
    expect(letter?.value).toBeNull()
    expect(headersOf(letter)).toMatchObject({ 'hooktide-reason': 'too-large' })
  })
})

describe('the signals of a step of a run', () => {
  function delayOf(context: Partial<RunContext>) {
    const [signal] = recorded(answer(200), context).signals
    return signal?.kind === 'delivery.recorded' ? signal.sinceEventMs : 'no such signal'
  }

  it('give the time from the event to its first attempt alone', () => {
    expect(delayOf({})).toBe(37)
    expect(delayOf({ run: runOf({ attempt: 1 }) })).toBeUndefined()
    expect(delayOf({ run: runOf({ trigger: 'replay' }) })).toBeUndefined()
  })

  it('give no time below zero where the clock of the producer is ahead', () => {
    expect(delayOf({ writtenAt: now + 60_000 })).toBe(0)
  })

  it('report a run that is deferred again once, and each deferral to its tier', () => {
    const kinds = (deferrals: number) =>
      recorded(deferred, { run: runOf({ deferrals }) }).signals.map(({ kind }) => kind)
    expect(kinds(0)).toEqual(['run.deferred', 'delivery.recorded'])
    expect(kinds(1)).toEqual(['run.deferred'])
  })
})
