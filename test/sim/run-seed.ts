/** Runs the world of a seed, and the world that it is compared with. */
import type { Violation } from './facts.ts'
import { aloneOf, drawPlan, isCalm, type Plan } from './plan.ts'
import { World, type Trace, type WorldReport } from './world.ts'

/** The healthy tenant's latency may be this many times its latency alone. */
const maxRatio = 1.5
const minForPercentile = 20

export interface SeedReport {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly calls: number
}

/** @param trace gets the world's plan and everything that happens in it, as lines */
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
  if (isCalm(plan.kind) && plan.hooks.some(({ isTenantHealthy }) => isTenantHealthy)) {
    const alone = await new World(aloneOf(plan)).run()
    const slower = healthyTenantIsAsAlone(report, alone, plan)
    if (slower !== undefined) violations.push(slower)
  }
  return { seed, violations, calls: report.calls }
}

/** The command that runs the seed again and prints everything that happens. */
export function replayCommand(seed: number): string {
  return `npm run sim -- --seed ${seed} --trace`
}

function tellPlan({ hooks, tempers, events, faults, ...rest }: Plan, trace: Trace): void {
  trace(`plan: ${JSON.stringify({ ...rest, events: events.length })}`)
  for (const hook of hooks) trace(`hook: ${JSON.stringify(hook)}`)
  for (const [url, temper] of tempers) trace(`endpoint: ${url} ${JSON.stringify(temper)}`)
  for (const fault of faults) trace(`planned fault: ${JSON.stringify(fault)}`)
}

/** A healthy tenant's p99 while others misbehave is at most 1.5 times its p99 alone, plus what the plan allows. */
function healthyTenantIsAsAlone(
  together: WorldReport,
  alone: WorldReport,
  { maxMoreMs }: Plan,
): Violation | undefined {
  // With fewer latencies the p99 would be the slowest one.
  if (together.latencies.length < minForPercentile) return undefined
  const [now, before] = [percentile(together.latencies), percentile(alone.latencies)]
  if (now <= before * maxRatio + maxMoreMs) return undefined
  const message = `99 of 100 deliveries of tenants with healthy endpoints take up to ${Math.round(now)} ms beside the others, and up to ${Math.round(before)} ms alone`
  return { check: 'healthy-tenant-is-as-alone', message, at: together.endedAt }
}

function percentile(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0
}
