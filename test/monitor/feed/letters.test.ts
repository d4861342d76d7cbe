import { describe, expect, it } from 'vitest'
import { letterOf } from '../../../src/monitor/feed/letters.ts'
import { headersOf, recordOf } from '../../support/record-builders.ts'

/** A dead letter of a former version, or of anybody who may write there. */
function letterWith(headers: Readonly<Record<string, string>>) {
  return letterOf(
    recordOf({
      value: Buffer.from('{"event":"PostSignIn","createdAt":"2026-09-14T09:02:11.019Z"}'),
      timestamp: 5_000,
      headers: headersOf({
        'hooktide-hook-id': 'a',
        'hooktide-tenant-id': 'default',
        'hooktide-event-id': 'e1',
        'hooktide-reason': 'exhausted',
        ...headers,
      }),
    }),
  )
}

describe('a dead letter', () => {
  it('has the time and the status that it names', () => {
    const letter = letterWith({ 'hooktide-died-at': '4000', 'hooktide-status': '503' })
    expect(letter).toMatchObject({ diedAt: 4_000, statusCode: 503 })
  })

  it.each(['', 'soon', '-1', '1'.repeat(17)])(
    'that names %j as both died when it was written',
    (text) => {
      const letter = letterWith({ 'hooktide-died-at': text, 'hooktide-status': text })
      expect(letter).toMatchObject({ diedAt: 5_000, statusCode: null })
    },
  )
})
