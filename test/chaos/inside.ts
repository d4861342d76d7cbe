/**
 * Loaded into a processor before its own code, by `--import`. On an order it steps the wall clock or blocks the event loop.
 * A signal announces an order, and a file contains it.
 */
import { readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

/** An order to a processor. */
export type Order =
  | { readonly kind: 'clock'; readonly offsetMs: number }
  | { readonly kind: 'block'; readonly ms: number }

/** The environment variable with the path of the file. */
export const orderVariable = 'CHAOS_ORDER_FILE'
export const orderSignal = 'SIGUSR2'

const file = process.env[orderVariable]

if (file !== undefined && isMainThread) {
  const RealDate = Date
  let offsetMs = 0
  const now = () => RealDate.now() + offsetMs
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, made) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, made) as object,
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  })
  process.on(orderSignal, () => {
    const order = JSON.parse(readFileSync(file, 'utf8')) as Order
    if (order.kind === 'clock') ({ offsetMs } = order)
    // Blocks the loop like a long computation, but without using a core.
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms)
  })
}
