/** The receiver of the benchmarks, as scenarios see it. */
import { firstLine, startScript } from './script.ts'

/** What came since it was told to forget. */
export interface Arrivals {
  readonly calls: number
  /** Different values of `webhook-id`. */
  readonly deliveries: number
  /** Of the first and of the last call, in milliseconds since 1970 with a fraction. */
  readonly firstAt: number
  readonly lastAt: number
  /** Longest time between two calls that came one after the other. */
  readonly longestPauseMs: number
  /** In milliseconds since 1970; 0 where there was none. */
  readonly longestPauseEndedAt: number
  /** Calls in each second since the first one. */
  readonly perSecond: readonly number[]
  /** From an event's writing to the arrival of its call, in order of arrival: of calls to `/timed/…`. */
  readonly latencies: readonly number[]
  /** As `longestPauseMs`, of the events of one partition: of calls to `/timed/…`. */
  readonly longestPauseOfPartitionMs: number
}

export interface BenchReceiver {
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string
  forget(): Promise<void>
  /** Listens on so many further origins, up to 25,000, which do what the first does. */
  listenOn(count: number): Promise<readonly string[]>
  /** What has come by now. */
  arrivals(): Promise<Arrivals>
  /**
   * Waits until that many calls have come.
   *
   * @throws {Error} when that takes longer than the limit, or `ended` rejects
   */
  reached(calls: number, options?: ReachedOptions): Promise<Arrivals>
  stop(): void
}

export interface ReachedOptions {
  /** Default 300. */
  readonly limitSeconds?: number
  /** Rejects when who makes the calls has ended. */
  readonly ended?: Promise<never>
}

export async function startBenchReceiver(): Promise<BenchReceiver> {
  const child = startScript('receiver-process.ts', [])
  const origin = await firstLine(child)
  const ask = async (calls: number): Promise<Arrivals> => {
    const response = await fetch(`${origin}/reached/${calls}`)
    return (await response.json()) as Arrivals
  }
  return {
    origin,
    async forget() {
      await (await fetch(`${origin}/forget`)).text()
    },
    async listenOn(count) {
      return (await (await fetch(`${origin}/listen/${count}`)).json()) as readonly string[]
    },
    arrivals: () => ask(0),
    async reached(calls, { limitSeconds = 300, ended } = {}) {
      const endsAt = performance.now() + limitSeconds * 1_000
      for (;;) {
        const asked = ask(calls)
        const come = await (ended === undefined ? asked : Promise.race([asked, ended]))
        if (come.calls >= calls) return come
        if (performance.now() < endsAt) continue
        throw new Error(`${come.calls} of ${calls} calls came within ${limitSeconds} s`)
      }
    },
    stop: () => void child.stdin?.end(),
  }
}
