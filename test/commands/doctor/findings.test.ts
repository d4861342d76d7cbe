import { describe, expect, it } from 'vitest'
import type { CommandContext } from '../../../src/commands/command.ts'
import { doctorCommand } from '../../../src/commands/doctor/doctor.ts'
import {
  brokerFindings,
  clockFinding,
  finding,
  findingLine,
  findingsOf,
  isFailed,
} from '../../../src/commands/doctor/findings.ts'
import { textOf } from '../../../src/commands/line.ts'
import { readSettings } from '../../../src/settings/settings.ts'

describe('findings', () => {
  it('are faults and warnings, or that all is well', () => {
    expect(findingsOf('topics', { faults: ['a'], warnings: ['b'] }, 'well')).toEqual([
      { check: 'topics', state: 'fault', message: 'a' },
      { check: 'topics', state: 'warning', message: 'b' },
    ])
    expect(findingsOf('topics', {}, 'well')).toEqual([
      { check: 'topics', state: 'ok', message: 'well' },
    ])
  })

  it('fail the command where one is a fault', () => {
    const warning = finding('hooks', 'warning', 'x')
    expect(isFailed([warning, finding('hooks', 'skipped', 'x')])).toBe(false)
    expect(isFailed([warning, finding('hooks', 'fault', 'x')])).toBe(true)
  })

  it('stand under one another', () => {
    const lines = [finding('brokers', 'ok', 'x'), finding('processors', 'skipped', 'y')]
    expect(lines.map((one) => textOf(findingLine(one)))).toEqual([
      'ok       brokers     x',
      'skipped  processors  y',
    ])
  })
})

describe('the clock', () => {
  it.each([
    [0, 0, 'ok'],
    [4_999, 0, 'ok'],
    [-4_999, 0, 'ok'],
    [5_000, 0, 'warning'],
    [-59_999, 0, 'warning'],
    [60_000, 0, 'fault'],
    [-600_000, 0, 'fault'],
    [60_000, 1_000, 'warning'],
  ])('that is %s ms ahead, give or take %s, is found: %s', (aheadMs, unsureMs, state) => {
    expect(clockFinding({ kind: 'read', aheadMs, unsureMs }).state).toBe(state)
  })

  it('says which side is ahead', () => {
    const ahead = clockFinding({ kind: 'read', aheadMs: 120_000, unsureMs: 0 })
    expect(ahead.message).toContain("2 min ahead of the broker's")
    const behind = clockFinding({ kind: 'read', aheadMs: -120_000, unsureMs: 0 })
    expect(behind.message).toContain("2 min behind the broker's")
  })

  it('is not judged where the broker does not tell its time', () => {
    const reading = { kind: 'unknown', reason: 'the broker does not tell its time' } as const
    expect(clockFinding(reading)).toMatchObject({ state: 'skipped' })
  })
})

describe('brokers', () => {
  it('are each to be reached where they are advertised', () => {
    const well = { address: 'kafka-1:9092', fault: undefined }
    expect(brokerFindings([well])).toMatchObject([
      { state: 'ok', message: '1 of 1 can be reached' },
    ])
    expect(brokerFindings([well, { address: 'kafka-2:9092', fault: 'ENOTFOUND' }])).toMatchObject([
      { state: 'fault', message: expect.stringContaining('at kafka-2:9092, and it cannot be') },
    ])
  })
})

describe('doctor', () => {
  it('says that no broker answers, and that nothing else can be looked at', async () => {
    const printed: string[] = []
    const context: CommandContext = {
      settings: readSettings({ KAFKA_BROKERS: '127.0.0.1:1' }),
      settingWarnings: [],
      args: [],
      options: { json: true },
      print: (line) => void printed.push(textOf(line)),
      note: () => undefined,
      showProgress: undefined,
      columns: undefined,
      ask: undefined,
      signal: new AbortController().signal,
    }
    expect(await doctorCommand.run(context)).toBe(1)
    const found = printed.map((line) => JSON.parse(line) as unknown)
    expect(found).toMatchObject([
      { check: 'registry', state: 'ok' },
      { check: 'brokers', state: 'fault', message: expect.stringContaining('No Kafka broker') },
      { check: 'topics', state: 'skipped' },
    ])
  })
})
