import { describe, expect, it } from 'vitest'
import { ingestBounds } from '../../../src/core/ingest/bounds.ts'

describe('the bounds of ingest', () => {
  it('are what memory allows if the number of open files is not limited', () => {
    expect(ingestBounds(undefined)).toMatchObject({ connections: 4_096, records: 20_000 })
    expect(ingestBounds(1_048_576)).toEqual(ingestBounds(undefined))
  })

  it.each([256, 1_024, 4_096, 20_000])('stay below a limit of %s open files', (openFiles) => {
    const { connections, records } = ingestBounds(openFiles)
    expect(Math.min(connections, records)).toBeGreaterThan(50)
    expect(connections + records).toBeLessThanOrEqual(openFiles - openFiles / 8)
  })
})
