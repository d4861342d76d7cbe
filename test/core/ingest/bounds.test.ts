import { describe, expect, it } from 'vitest'
import { hasFewFiles, ingestBounds } from '../../../src/core/ingest/bounds.ts'

describe('the bounds of ingest', () => {
  it('are what memory allows if the number of open files is not limited', () => {
    const most = ingestBounds(undefined, 200)
    expect(most).toMatchObject({ connections: 4_096, records: 20_000 })
    expect(ingestBounds(1_048_576, 200)).toEqual(most)
    // docs/ingest.md names this number.
    expect(ingestBounds(27_539, 200)).toEqual(most)
    expect(ingestBounds(27_530, 1)).not.toEqual(most)
  })

  it.each([256, 1_024, 4_096, 20_000])('stay below a limit of %s open files', (openFiles) => {
    const { connections, records } = ingestBounds(openFiles, 1)
    expect(Math.min(connections, records)).toBeGreaterThan(30)
    expect(connections + records).toBeLessThanOrEqual(openFiles - openFiles / 8)
  })

  it.each([
    [1_024, 2, false],
    [1_024, 40, true],
    [4_096, 200, true],
    [20_000, 200, false],
  ])('leave at %s open files room for the connections of %s topics', (openFiles, topics, isFew) => {
    const { connections, records } = ingestBounds(openFiles, topics)
    // Twelve brokers, the status port, and what the process itself has open.
    expect(connections + records).toBeLessThanOrEqual(openFiles - 12 * topics - 64 - 32)
    expect(Math.min(connections, records)).toBeGreaterThan(30)
    expect(hasFewFiles(openFiles, topics)).toBe(isFew)
  })

  it('admit some even where there are not enough files for the topics', () => {
    expect(ingestBounds(256, 200)).toMatchObject({ connections: 16, records: 16 })
    expect(hasFewFiles(256, 200)).toBe(true)
    expect(hasFewFiles(undefined, 200)).toBe(false)
  })
})
