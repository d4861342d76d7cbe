/**
 * The steps of a test that waits for processes and brokers. Each has a limit of its own, so that a failure names the step
 * that did not end, how long the ones before took, and what is known of the processor, instead of the test's time-out only.
 */
import { asError } from '../../src/core/model/errors.ts'
import { within } from '../../src/edge/waiting.ts'
import type { BrokerRig } from './broker-rig.ts'
import type { RunningProcess } from './hooktide-process.ts'

export interface Steps {
  /**
   * Resolves with the value of `work`.
   * @throws {Error} when that fails, or takes longer than `limitMs`, one minute by default, or than all steps may take
   */
  step<Result>(what: string, work: Promise<Result>, limitMs?: number): Promise<Result>
  /** From now on, failures also include the state of this processor. */
  watch(rig: BrokerRig, run: RunningProcess): void
  /** The steps so far, and how long each took. */
  story(): string
}

const stepMs = 60_000
const pageMs = 5_000
const toldLines = 40
const late = Symbol('late')

/** @param allMs how long all steps may take. It must be less than the time-out of the test, which gives no details */
export function createSteps(allMs: number): Steps {
  const startedAt = performance.now()
  const done: string[] = []
  let watched: { readonly rig: BrokerRig; readonly run: RunningProcess } | undefined
  const story = () => done.join(', ')
  return {
    story,
    watch(rig, run) {
      watched = { rig, run }
    },
    async step(what, work, limitMs = stepMs) {
      const from = performance.now()
      const leftMs = Math.max(0, Math.min(limitMs, startedAt + allMs - from))
      try {
        const result = await within(work, leftMs, late)
        if (result === late) throw new Error(`not within ${Math.round(leftMs)} ms`)
        done.push(`${what} ${Math.round(performance.now() - from)} ms`)
        return result
      } catch (error) {
        const known = watched === undefined ? '' : `\n${await stateOf(watched.rig, watched.run)}`
        const message = `${what}: ${asError(error).message}\nbefore: ${story()}${known}`
        // Releasing what the test holds may take longer than the test has left. Then its error would not be shown.
        process.stderr.write(`${message}\n`)
        throw new Error(message, { cause: error })
      }
    },
  }
}

/** Status pages, counts and the last lines of the log. */
async function stateOf({ receiver, results }: BrokerRig, run: RunningProcess): Promise<string> {
  const finals = results.items.filter(({ final }) => final)
  const runs = new Set(finals.map(({ deliveryId }) => deliveryId)).size
  const [end, readiness, metrics] = await Promise.all([
    within(run.exited, 0, 'running'),
    pageOf(run, '/readyz'),
    pageOf(run, '/metrics'),
  ])
  const counted = metrics
    .split('\n')
    .filter((line) => line.startsWith('hooktide_') && !/_bucket\{| 0$/.test(line))
  return [
    `the processor: ${end}; ${readiness}`,
    `received ${receiver.requests.length} calls, read ${results.items.length} results, ${runs} deliveries have a final one`,
    ...counted,
    ...run.lines.slice(-toldLines).map((line) => JSON.stringify(line)),
    run.errorOutput(),
  ].join('\n')
}

/** Status and text of a status page, or why it cannot be read. */
export async function pageOf(run: RunningProcess, path: string): Promise<string> {
  const port = await within(run.port, pageMs, undefined).catch(() => undefined)
  if (port === undefined) return `${path}: no port`
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      signal: AbortSignal.timeout(pageMs),
    })
    return `${response.status} ${(await response.text()).trim()}`
  } catch (error) {
    return `${path}: ${String(error)}`
  }
}
