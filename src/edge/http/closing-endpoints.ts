/**
 * Endpoints that have closed a new connection instead of answering. A kept connection that such an endpoint closes is not one
 * that had ended before: if the call were made again each time, the endpoint would get each call twice, and the connection
 * would be lost to other endpoints of the origin. So calls to them begin with a new connection until they answer.
 */
import type { PoolTarget } from './pools.ts'

interface Endpoint extends Pick<PoolTarget, 'origin' | 'poolKey'> {
  readonly options: { readonly path: string }
}

/** Of more, the oldest is forgotten. */
const mostKnown = 1_000

export class ClosingEndpoints {
  readonly #keys = new Set<string>()

  has(endpoint: Endpoint): boolean {
    return this.#keys.size > 0 && this.#keys.has(keyOf(endpoint))
  }

  /** It has ended a call without an answer. */
  add(endpoint: Endpoint): void {
    this.#keys.add(keyOf(endpoint))
    const [oldest] = this.#keys
    if (this.#keys.size > mostKnown && oldest !== undefined) this.#keys.delete(oldest)
  }

  /** It has answered. */
  remove(endpoint: Endpoint): void {
    this.#keys.delete(keyOf(endpoint))
  }
}

function keyOf({ origin, poolKey, options: { path } }: Endpoint): string {
  return `${origin} ${poolKey} ${path}`
}
