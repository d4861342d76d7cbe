import { describe, expect, it } from 'vitest'
import { displayWidth, fitted, headingsOf, rowOf } from '../../../src/commands/columns.ts'
import { textOf } from '../../../src/commands/line.ts'
import {
  letterCells,
  letterColumns,
  letterJson,
  readLetter,
} from '../../../src/commands/records/dead-letters.ts'
import {
  readRejected,
  rejectedCells,
  rejectedColumns,
  rejectedJson,
} from '../../../src/commands/records/rejected.ts'
import { deliveryIdOf } from '../../../src/core/model/identity.ts'
import { deadLetterHeaders, rejectedHeaders } from '../../../src/core/run/delivery-headers.ts'
import { joinHeaders } from '../../../src/core/event/packed-headers.ts'
import { eventOf, runOf } from '../../support/model-builders.ts'
import { recordOf } from '../../support/record-builders.ts'
import { resultAt } from '../../support/results.ts'

const unused = () => expect.unreachable()
const event = eventOf({})
const run = runOf({
  deliveryId: deliveryIdOf(event.tenantId, event.eventSource, event.eventId, 'crm'),
  ...{ hookId: 'crm', run: 'auth.events/0/0', attempt: 10, event },
})
const letterRecord = recordOf({
  topic: 'auth.webhook.dead-letters',
  value: event.body,
  headers: deadLetterHeaders(run, { reason: 'exhausted', status: 503, diedAt: resultAt }),
})

describe('a dead letter in a list', () => {
  it('has why, how often it was tried, and for whom, in 80 columns', () => {
    const letter = readLetter(letterRecord, unused)
    const table = fitted(letterColumns, 80)
    expect(headingsOf(table)).toEqual([
      'TIME            REASON         STATUS  TRIES  HOOK                   EVENT',
    ])
    expect(letter && rowOf(table, letterCells(letter)).map(textOf)).toEqual([
      '09-14 09:02:11  exhausted      503     10     crm                    PostSignIn',
    ])
  })

  it('has all that is known of it as JSON', () => {
    const letter = readLetter(letterRecord, unused)
    expect(letter && letterJson(letter)).toMatchObject({
      ...{ diedAt: resultAt, reason: 'exhausted', status: '503', hookId: 'crm' },
      ...{ eventId: 'event-1', source: 'auth.events/0/0', attempt: 10, trigger: 'event' },
    })
  })

  it('that was too large for the topic names where its event is', () => {
    const letter = readLetter({ ...letterRecord, value: null }, unused)
    expect(letter && letterCells(letter).slice(1, 6)).toEqual(['exhausted', '503', '-', 'crm', '-'])
    expect(letter && letterJson(letter)).toMatchObject({ source: 'auth.events/0/0' })
  })

  it('has the time at which it was written where its own is none', () => {
    const wrong = [['hooktide-died-at', Buffer.from('9999999999999999')]] as const
    const headers = joinHeaders(letterRecord.headers, wrong)
    expect(readLetter({ ...letterRecord, headers }, unused)?.diedAt).toBe(letterRecord.timestamp)
  })

  it('is left out where it is none, and that is said', () => {
    const notes: string[] = []
    expect(readLetter(recordOf({}), (line) => notes.push(line))).toBeUndefined()
    expect(notes).toEqual([
      expect.stringMatching(/^auth\.events\/3\/41 is skipped: it is not a dead letter: /),
    ])
  })
})

describe('a rejected record in a list', () => {
  const from = recordOf({ key: Buffer.from('u1'), headers: [['event-id', Buffer.from('e')]] })
  const rejection = { reason: 'missing-field', field: 'createdAt', message: '' } as const
  const record = recordOf({
    ...{ topic: 'auth.events.rejected', partition: 0, offset: 2, key: from.key },
    headers: rejectedHeaders(from, rejection),
  })

  it('has why and where it stood, in 80 columns', () => {
    const table = fitted(rejectedColumns, 80)
    expect(headingsOf(table)).toEqual([
      'TIME            REASON           FIELD                 SOURCE',
    ])
    expect(rowOf(table, rejectedCells(readRejected(record))).map(textOf)).toEqual([
      '09-14 09:02:11  missing-field    createdAt             auth.events/3/41',
    ])
    const hostile = '\u001b[2J日本語'.repeat(90)
    const row = { record, reason: hostile, field: hostile, source: hostile }
    for (const line of rowOf(table, rejectedCells(row)).map(textOf)) {
      expect(displayWidth(line)).toBeLessThanOrEqual(80)
    }
  })

  it('has its key and headers as JSON', () => {
    expect(rejectedJson(readRejected(record))).toMatchObject({
      ...{ reason: 'missing-field', field: 'createdAt', source: 'auth.events/3/41', key: 'u1' },
      headers: expect.arrayContaining([['event-id', 'e']]),
    })
  })

  it('is listed although its headers are more than an event may have', () => {
    const many = Array.from({ length: 2_000 }, () => ['x', Buffer.from('y')] as const)
    const headers = joinHeaders(many, [...record.headers])
    expect(readRejected({ ...record, headers }).reason).toBe('missing-field')
  })
})
