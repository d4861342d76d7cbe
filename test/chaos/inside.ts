/**
 * Loaded into a processor before its own code, by `--import`: puts its wall clock forward or back, and blocks its event
 * loop, when it is told so. It is told by a signal, and what is to be done stands in a file.
 */
import { readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

/** What a processor is told. */
export type Order =
  | { readonly kind: 'clock'; readonly offsetMs: number }
  | { readonly kind: 'block'; readonly ms: number }

/** Names the file. */
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
    // A loop that stands still, as one that computes does, without taking the core from the others.
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms)
  })
}
