import { describe, expect, it } from 'vitest'
import { createReadinessLog, type ReadinessLog } from '../../../src/commands/run/readiness-log.ts'

describe('readiness in the log', () => {
  it('has one line when it begins, one with the reasons when it ends, and none in between', () => {
    const lines: unknown[] = []
    // Stands in for the two methods of the logger, of which only these forms are used.
    const log = {
      info: (message: string) => void lines.push(message),
      warn: (fields: unknown, message: string) => void lines.push([message, fields]),
    } as ReadinessLog
    const look = createReadinessLog(log)
    const away = 'records are not read: no broker answers'
    for (const reasons of [['starting'], [], [], [away], [away, 'another'], [], []]) look(reasons)
    expect(lines).toEqual(['ready', ['not ready', { reasons: [away] }], 'ready'])
  })
})
