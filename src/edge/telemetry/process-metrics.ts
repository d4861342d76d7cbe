/** Metrics that `run` and `ingest` have in common. The only file that uses prom-client. */
import { collectDefaultMetrics, Registry } from 'prom-client'
import { gauge } from './exposition.ts'

/** The metrics of Node. */
export function createNodeMetrics(): Pick<Registry, 'metrics' | 'contentType'> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  // Gauges with the suffix of counters: `promtool check metrics` refuses them, and their twins by type say more.
  for (const what of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${what}_total`)
  }
  return registry
}

export function buildText(version: string): string {
  const help = 'Always 1; the version is in the label.'
  const values = new Map([[version, 1]])
  return gauge({ name: 'hooktide_build_info', help }, { label: 'version', values })
}

export function readyText(isReady: boolean): string {
  const help = '1 while /readyz answers 200, else 0.'
  return gauge({ name: 'hooktide_ready', help }, isReady ? 1 : 0)
}
