/** Durations as people write them in settings and topic names: `500ms`, `5s`, `30m`, `2h`, `5d`. */

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

type Unit = keyof typeof units

/** The milliseconds of a duration; `undefined` for other text. A number without a unit is not a duration. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  if (parts === null) return undefined
  return Number(parts[1]) * units[parts[2] as Unit]
}

/** The shortest text that {@link parseDuration} reads as this number of milliseconds. */
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
/** From this number of a unit on, the next unit is used: 65 s and not 1 min. */
const mostOfUnit = 90

/** A wait, rounded for people. The message that shows it also has the exact end. */
export function roughWait(waitMs: number): string {
  const unit = waitUnits.find(([, unitMs]) => waitMs < mostOfUnit * unitMs)
  const [name, unitMs] = unit ?? ['d', dayMs]
  return `${Math.round(waitMs / unitMs)} ${name}`
}

/** Measured milliseconds, rounded to tenths for results and log lines. Finer digits of a clock are noise. */
export function tenths(durationMs: number): number {
  return Math.round(durationMs * 10) / 10
}
