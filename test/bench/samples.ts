/** Readings that are taken again and again while something else goes on. */

export interface Sampling<Reading> {
  /** @returns all of them, in order */
  stop(): Promise<readonly Reading[]>
}

const betweenMs = 1_000

/** The first is taken at once, each other a second after the one before. */
export function sample<Reading>(take: () => Reading | Promise<Reading>): Sampling<Reading> {
  const taken: Reading[] = []
  const stopped = Promise.withResolvers<void>()
  let isOn = true
  const ended = (async () => {
    while (isOn) {
      taken.push(await take())
      const pause = Promise.withResolvers<void>()
      const timer = setTimeout(pause.resolve, betweenMs)
      await Promise.race([pause.promise, stopped.promise])
      clearTimeout(timer)
    }
  })()
  // Nobody may be waiting yet when it fails: stop tells.
  ended.catch(() => undefined)
  return {
    async stop() {
      isOn = false
      stopped.resolve()
      await ended
      return taken
    },
  }
}
