/** Reads metrics in Prometheus's text format. */

/** Values by printed series, such as `hooktide_lag{topic="auth.events"}`. */
export type Series = ReadonlyMap<string, number>

export function parseMetrics(text: string): Series {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end + 1))]
    }),
  )
}

/** The series of one metric, by the value of its one label. */
export function byLabel(series: Series, metric: string): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const [name, value] of series) {
    const label = name.startsWith(`${metric}{`) ? /="([^"]*)"\}$/.exec(name)?.[1] : undefined
    if (label !== undefined) found[label] = value
  }
  return found
}

/** The values that are not 0. */
export function counted(series: Series, metric: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(byLabel(series, metric)).filter(([, value]) => value > 0),
  )
}
