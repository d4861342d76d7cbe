/** Work on Kafka that callers of the API ask for, one after the other: no caller can make many connections. */
import { ApiError } from '../../monitor/api/route.ts'

/** More than these wait for nobody's answer. */
const maxWaiting = 16

/** @throws ApiError 503 when too many wait already */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async (work) => {
    if (waiting >= maxWaiting) {
      throw new ApiError(503, 'monitor.busy', 'Too many requests wait for Kafka: try again.')
    }
    waiting += 1
    const turn = last.catch(() => undefined).then(work)
    last = turn
    try {
      return await turn
    } finally {
      waiting -= 1
    }
  }
}
