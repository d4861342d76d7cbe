/**
 * Waiting with the timers of the platform.
 *
 * What waits again and again, for as long as the process runs, must leave nothing behind. A `Promise.race` with a promise that
 * stays pending leaves 300 bytes at it, each time. So what may end a wait early is an `AbortSignal`, whose listeners are
 * removed.
 */
import { setTimeout as timeout } from 'node:timers/promises'

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) return await timeout(ms)
  // Rejects only when it is aborted.
  await timeout(ms, undefined, { signal }).catch(() => undefined)
}

/** Resolves or rejects as `work` does, or resolves with `undefined` as soon as `signal` is aborted. */
export async function unlessAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> {
  const aborted = Promise.withResolvers<undefined>()
  const onAbort = () => aborted.resolve(undefined)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Resolves with `fallback` when `work` takes longer. A later rejection of `work` is ignored.
 *
 * @param work must settle at some time: what waits for it stays with it until then
 */
export async function within<Result, Fallback>(
  work: Promise<Result>,
  ms: number,
  fallback: Fallback,
): Promise<Result | Fallback> {
  const late = Promise.withResolvers<Fallback>()
  const timer = setTimeout(() => late.resolve(fallback), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
