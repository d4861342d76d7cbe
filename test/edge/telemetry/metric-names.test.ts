import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createIngestMetrics } from '../../../src/edge/telemetry/ingest-metrics.ts'
import { createMetrics } from '../../../src/edge/telemetry/metrics.ts'

const none: ReadonlyMap<string, number> = new Map()

async function served(): Promise<ReadonlySet<string>> {
  const metrics = createMetrics({
    version: '1.2.3',
    groups: [],
    readings: () => ({
      isReady: true,
      inFlight: 0,
      queued: 0,
      backlog: 0,
      hooks: 0,
      endpoints: {},
      suspendedHooks: 0,
      pendingRecords: 0,
      partitions: none,
      lag: none,
      retryDepth: none,
      retryOverdueMs: 0,
    }),
  })
  const ingestMetrics = createIngestMetrics({
    version: '1.2.3',
    paths: [],
    readings: () => ({ isReady: true, connections: 0, pendingRecords: 0, pendingBytes: 0 }),
  })
  const pages = [await metrics.render(), await ingestMetrics.render()].join('')
  const heads = pages.matchAll(/^# TYPE (hooktide_\w+) /gm)
  return new Set([...heads].map(([, name = '']) => name))
}

/** Metrics that a file of the project names. A histogram may be named by one of its series. */
function named(path: string): ReadonlySet<string> {
  const text = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
  const names = [...text.matchAll(/\bhooktide_[a-z_]+/g)].map(([name]) => name)
  return new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
}

describe('names of metrics', () => {
  it('are all in docs/metrics.md, which names no other', async () => {
    expect([...named('docs/metrics.md')].toSorted()).toEqual([...(await served())].toSorted())
  })

  it.each(['deploy/prometheus-rules.yml', 'deploy/prometheus-rules.test.yml'])(
    'in %s are of metrics that are served: an alert on any other would never fire',
    async (path) => {
      const metrics = await served()
      expect([...named(path)].filter((name) => !metrics.has(name))).toEqual([])
      expect(named(path).size).toBeGreaterThan(5)
    },
  )
})
