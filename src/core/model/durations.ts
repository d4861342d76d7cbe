/** Durations as people write them in settings and topic names: `500ms`, `5s`, `30m`, `2h`, `5d`. */

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

type Unit = keyof typeof units

/** Milliseconds of a duration text, or `undefined` when it is not one. A bare number is not: its unit would be a guess. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  if (parts === null) return undefined
  return Number(parts[1]) * units[parts[2] as Unit]
}

/** The shortest text that {@link parseDuration} reads back as the same number of milliseconds. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (durationMs >= units[unit] && durationMs % units[unit] === 0) {
      return `${durationMs / units[unit]}${unit}`
    }
  }
  return `${durationMs}ms`
}

const waitUnits = [
  ['s', 1_000],
  ['min', 60_000],
  ['h', 3_600_000],
] as const
const dayMs = 86_400_000
/** So much of a unit is still said in it: 65 s, not 1 min. */
const mostOfUnit = 90

/** A wait as people say it; its exact end stands beside it. */
export function roughWait(waitMs: number): string {
  const unit = waitUnits.find(([, unitMs]) => waitMs < mostOfUnit * unitMs)
  const [name, unitMs] = unit ?? ['d', dayMs]
  return `${Math.round(waitMs / unitMs)} ${name}`
}

/** Measured milliseconds as results and log lines have them, to tenths: what a clock says beyond them is noise. */
export function tenths(durationMs: number): number {
  return Math.round(durationMs * 10) / 10
}
