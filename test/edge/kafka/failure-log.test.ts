import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FailureLog } from '../../../src/edge/kafka/failure-log.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

describe('the log of something that fails for long', () => {
  it('says so at once, again every half minute, and when it works again', () => {
    const lines: string[] = []
    const log = new FailureLog((level, message, fields) => {
      if (level !== 'debug') lines.push(`${level}: ${message} ${JSON.stringify(fields)}`)
    })
    log.succeeded('sending')
    for (let seconds = 0; seconds <= 65; seconds += 1) {
      log.failed('sending', 'refused')
      vi.advanceTimersByTime(1_000)
    }
    log.succeeded('sending')
    log.succeeded('sending')
    log.failed('sending', 'reset')
    expect(lines).toEqual([
      'warn: sending failed, trying again {"error":"refused","failingMs":0}',
      'warn: sending failed, trying again {"error":"refused","failingMs":30000}',
      'warn: sending failed, trying again {"error":"refused","failingMs":60000}',
      'info: sending works again {"failedMs":66000}',
      'warn: sending failed, trying again {"error":"reset","failingMs":0}',
    ])
  })
})
