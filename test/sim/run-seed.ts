/** Runs the world of a seed, and what it is compared with. */
import type { Violation } from './facts.ts'
import { aloneOf, drawPlan, isCalm, type Plan } from './plan.ts'
import { World, type Trace, type WorldReport } from './world.ts'

/** What the well tenant's latency may be, of what it has alone. */
const mostRatio = 1.5
const leastForPercentile = 20

export interface SeedReport {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly calls: number
}

/** @param trace is told of the world's plan and of all that happens in it */
export async function runSeed(seed: number, trace?: Trace): Promise<SeedReport> {
  const plan = drawPlan(seed)
  if (trace !== undefined) tellPlan(plan, trace)
  const world = new World(plan, trace)
  let report: WorldReport
  try {
    report = await world.run()
  } catch (error) {
    const message = `code of a process throws: ${error instanceof Error ? error.message : String(error)}`
    const at = world.facts.timeline.now
    return { seed, violations: [{ check: 'process-lives', message, at }], calls: world.calls }
  }
  const violations = [...report.violations]
  if (isCalm(plan.kind) && plan.hooks.some(({ isTenantWell }) => isTenantWell)) {
    const alone = await new World(aloneOf(plan)).run()
    const slower = wellTenantIsAsAlone(report, alone, plan)
    if (slower !== undefined) violations.push(slower)
  }
  return { seed, violations, calls: report.calls }
}

/** The command that runs the seed again and tells of all that happens. */
export function replayCommand(seed: number): string {
  return `npm run sim -- --seed ${seed} --trace`
}

function tellPlan({ hooks, tempers, events, faults, ...rest }: Plan, trace: Trace): void {
  trace(`plan: ${JSON.stringify({ ...rest, events: events.length })}`)
  for (const hook of hooks) trace(`hook: ${JSON.stringify(hook)}`)
  for (const [url, temper] of tempers) trace(`endpoint: ${url} ${JSON.stringify(temper)}`)
  for (const fault of faults) trace(`fault to come: ${JSON.stringify(fault)}`)
}

/** A healthy tenant's p99 while others misbehave is at most 1.5 times its p99 alone, plus what the plan says. */
function wellTenantIsAsAlone(
  together: WorldReport,
  alone: WorldReport,
  { mostMoreMs }: Plan,
): Violation | undefined {
  // Of fewer, the slowest would be all that it tells of.
  if (together.latencies.length < leastForPercentile) return undefined
  const [now, before] = [percentile(together.latencies), percentile(alone.latencies)]
  if (now <= before * mostRatio + mostMoreMs) return undefined
  const message = `99 of 100 deliveries of tenants whose endpoints are well take up to ${Math.round(now)} ms beside the others, and up to ${Math.round(before)} ms alone`
  return { check: 'well-tenant-is-as-alone', message, at: together.endedAt }
}

function percentile(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0
}
