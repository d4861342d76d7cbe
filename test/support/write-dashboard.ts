/** Writes `deploy/grafana-dashboard.json` from `dashboard-rows.ts`: `node test/support/write-dashboard.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { rows, type Panel } from './dashboard-rows.ts'

const path = new URL('../../deploy/grafana-dashboard.json', import.meta.url)

const datasource = { type: 'prometheus', uid: '${datasource}' }
const size = { width: 8, height: 8 }
const panelsPerLine = 3

function panelOf(
  { title, description, unit, queries, max }: Panel,
  id: number,
  at: { x: number; y: number },
) {
  return {
    ...{ id, type: 'timeseries', title, description, datasource },
    gridPos: { ...at, w: size.width, h: size.height },
    fieldConfig: {
      defaults: {
        ...{ unit, min: 0, ...(max === undefined ? {} : { max }) },
        custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 8, showPoints: 'never' },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: queries.map(({ expression, legend }, index) => ({
      ...{ refId: String.fromCodePoint(65 + index), datasource },
      ...{ expr: expression, legendFormat: legend, range: true },
    })),
  }
}

function variable(name: string, label: string, query: string) {
  return {
    ...{ name, label, type: 'query', datasource, query: { query, refId: name } },
    ...{ definition: query, refresh: 2, sort: 1, multi: true, includeAll: true, allValue: '.*' },
    current: { text: ['All'], value: ['$__all'] },
  }
}

/** The dashboard as Grafana imports it. */
export function dashboard(): string {
  const panels: object[] = []
  let y = 0
  for (const { title, panels: inRow } of rows) {
    panels.push({
      ...{ id: panels.length + 1, type: 'row', title, collapsed: false, panels: [] },
      gridPos: { x: 0, y, w: panelsPerLine * size.width, h: 1 },
    })
    y += 1
    for (const [index, panel] of inRow.entries()) {
      const x = (index % panelsPerLine) * size.width
      const line = Math.floor(index / panelsPerLine)
      panels.push(panelOf(panel, panels.length + 1, { x, y: y + line * size.height }))
    }
    y += Math.ceil(inRow.length / panelsPerLine) * size.height
  }
  const whole = {
    ...{ uid: 'hooktide', title: 'hooktide', tags: ['hooktide', 'kafka', 'webhooks'] },
    description: 'Webhooks from Kafka: what is delivered, what waits, and how the processes do.',
    ...{ schemaVersion: 39, version: 1, editable: true, graphTooltip: 1, timezone: 'browser' },
    ...{ refresh: '30s', time: { from: 'now-3h', to: 'now' } },
    templating: {
      list: [
        {
          ...{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
          current: {},
        },
        variable('job', 'Job', 'label_values(hooktide_build_info, job)'),
        variable('instance', 'Process', 'label_values(hooktide_build_info{job=~"$job"}, instance)'),
      ],
    },
    panels,
  }
  return `${JSON.stringify(whole, undefined, 2)}\n`
}

if (import.meta.main) writeFileSync(path, dashboard())

/** The text of the file. */
export function keptDashboard(): string {
  return readFileSync(path, 'utf8')
}
