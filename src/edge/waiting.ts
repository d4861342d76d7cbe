/** Waiting with the timers of the platform. */

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Resolves with `fallback` when `work` takes longer. A later rejection of `work` is ignored. */
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
