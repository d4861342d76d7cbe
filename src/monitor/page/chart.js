/** Charts over time. */
import uPlot from 'uplot'
import { useEffect, useRef } from 'preact/hooks'
import { clockTime, compact, duration, time } from './format.js'
import { html } from './render.js'

const isDark = matchMedia('(prefers-color-scheme: dark)')

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

/**
 * @param {{ data: readonly (readonly (number | null)[])[], series: readonly { label: string, colour: string, fill?: boolean }[],
 *   label: string, isDuration?: boolean, isBars?: boolean }} options `data`: times in milliseconds, then each series
 */
function Chart({ data, series, label, isDuration = false, isBars = false }) {
  const element = useRef(/** @type {HTMLDivElement | null} */ (null))
  const plot = useRef(/** @type {uPlot | undefined} */ (undefined))
  const plotted = [data[0].map((at) => Number(at) / 1_000), ...data.slice(1)]
  const make = () => {
    plot.current?.destroy()
    const inside = element.current
    if (inside === null) return
    const grid = { stroke: colour('line'), width: 1 }
    const ticks = { show: false }
    const font = '11px system-ui, sans-serif'
    const axis = { stroke: colour('quiet'), grid, ticks, font }
    const format = isDuration ? duration : compact
    plot.current = new uPlot(
      {
        width: inside.clientWidth,
        height: 190,
        padding: [8, 20, 0, 0],
        cursor: { points: { size: 6 }, drag: { x: false, y: false } },
        legend: { live: true },
        scales: {
          x: { time: true },
          y: { range: (_, low, high) => [0, high === null || high <= 0 ? 1 : high * 1.08] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            values: (_, moments) => moments.map((at) => clockTime(at * 1_000)),
          },
          {
            ...axis,
            size: 56,
            values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))),
          },
        ],
        series: [
          { label: 'Time', value: (_, at) => (at === null ? '–' : time(at * 1_000)) },
          ...series.map((one) => ({
            label: one.label,
            stroke: colour(one.colour),
            width: isBars ? 0 : 1.5,
            fill:
              one.fill || isBars ? colour(isBars ? one.colour : `${one.colour}-soft`) : undefined,
            points: { show: false, size: 4, filter: (plot, index) => lonely(plot.data[index]) },
            spanGaps: false,
            ...(isBars ? { paths: uPlot.paths.bars?.({ size: [0.9, 24] }) } : {}),
            value: (_, value) => (value === null ? '–' : format(value)),
          })),
        ],
      },
      /** @type {any} */ (plotted),
      inside,
    )
  }
  useEffect(() => {
    make()
    const resized = new ResizeObserver(() => {
      const width = element.current?.clientWidth ?? 0
      if (width > 0) plot.current?.setSize({ width, height: 190 })
    })
    if (element.current !== null) resized.observe(element.current)
    isDark.addEventListener('change', make)
    return () => {
      resized.disconnect()
      isDark.removeEventListener('change', make)
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [])
  useEffect(() => plot.current?.setData(/** @type {any} */ (plotted)), [data])
  return html`<div class="chart" role="img" aria-label=${label} ref=${element}></div>`
}

/** Values with none before and after them: no line leads to them. */
function lonely(values) {
  const isNone = (value) => value === null || value === undefined
  return [...values.keys()].filter(
    (at) => !isNone(values[at]) && isNone(values[at - 1]) && isNone(values[at + 1]),
  )
}

/** Calls: all, with those that failed before them. */
export function TrafficChart({ points }) {
  const data = [
    points.map(({ at }) => at),
    points.map(({ calls }) => calls),
    points.map(({ calls, delivered }) => calls - delivered),
  ]
  const series = [
    { label: 'Requests', colour: 'accent-bar' },
    { label: 'Failed', colour: 'bad' },
  ]
  return html`<${Chart} label="Requests over time" isBars=${true} data=${data} series=${series} />`
}

export function LatencyChart({ points, of }) {
  const each = (name) => points.map((point) => point[of]?.[name] ?? null)
  const data = [points.map(({ at }) => at), each('p50'), each('p95'), each('p99')]
  const series = [
    { label: 'p50', colour: 'accent' },
    { label: 'p95', colour: 'warn' },
    { label: 'p99', colour: 'bad' },
  ]
  return html`<${Chart}
    label="Response time over time"
    isDuration=${true}
    data=${data}
    series=${series}
  />`
}
