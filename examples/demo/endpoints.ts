/** The customers of the demo: their hooks as objects, and the endpoints that these call. */
import type { HookId } from '../../src/core/model/model.ts'
import { type Receiver, startReceiver } from '../sandbox/sandbox.ts'
import { firstAnswers, hookAt, type DemoHook } from './script.ts'

/** A hook as `hooks put` takes it. Without a signing key: a new hook gets one, and one that is there keeps its own. */
export function hookObject(
  { id, tenantId, name, events, path }: DemoHook,
  origin: string,
): Readonly<Record<string, unknown>> {
  return { id, tenantId, name, events, config: { url: `${origin}${path}` } }
}

/**
 * One receiver for all endpoints. It answers as the script has it, and verifies with the key of the hook whose path was
 * called.
 * @param keys by hook id; may be filled later
 */
export function startEndpoints(keys: ReadonlyMap<HookId, string>): Promise<Receiver> {
  const calls = new Map<string, number>()
  return startReceiver({
    keyOf(path) {
      const hook = hookAt(path)
      return hook === undefined ? undefined : keys.get(hook.id)
    },
    answer({ path }) {
      const call = calls.get(path) ?? 0
      calls.set(path, call + 1)
      return { kind: 'respond', status: firstAnswers[path]?.[call] ?? 200 }
    },
  })
}
