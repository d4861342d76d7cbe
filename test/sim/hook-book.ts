/** The hook topic as its writer knows it: the current hooks, and for which events the matching hooks are certain. */
import { endpointOf } from '../../src/core/health/record.ts'
import { decodeHook } from '../../src/core/hook/hook.ts'
import type { Hook, HookId, InboundRecord } from '../../src/core/model/model.ts'
import { isLetThrough } from './plan-hooks.ts'

interface Page {
  readonly hook: Hook | undefined
  /** Whether the hook has matched the same events since before the first event. */
  readonly isSteady: boolean
  readonly isEdited: boolean
}

export class HookBook {
  readonly #pages = new Map<HookId, Page>()

  /** A record of the hook topic was written. */
  written(record: InboundRecord, isFirst: boolean): void {
    const hook = hookIn(record)
    const id = record.key?.toString() ?? ''
    const before = this.#pages.get(id)
    const isSame = before?.hook !== undefined && hook !== undefined && isAlike(before.hook, hook)
    this.#pages.set(id, {
      hook,
      isSteady: isFirst || (before?.isSteady === true && isSame),
      isEdited: !isFirst,
    })
  }

  get(id: HookId): Hook | undefined {
    return this.#pages.get(id)?.hook
  }

  isSteady(id: HookId): boolean {
    return this.#pages.get(id)?.isSteady === true
  }

  isEdited(id: HookId): boolean {
    return this.#pages.get(id)?.isEdited !== false
  }

  /** The hooks that match the event at any time; `undefined` when others match it only at some times. */
  matching(event: {
    readonly tenantId: string
    readonly eventKey: string
    /** Its number. */
    readonly n: number
  }): {
    readonly certain: readonly HookId[]
    readonly isAll: boolean
  } {
    const certain: HookId[] = []
    let isAll = true
    for (const [id, { hook, isSteady }] of this.#pages) {
      if (!isSteady) isAll = false
      else if (hook !== undefined && isFor(hook, event)) certain.push(id)
    }
    return { certain, isAll }
  }
}

/** The hook that a record sets; `undefined` for a tombstone. */
export function hookIn(record: InboundRecord): Hook | undefined {
  const decoded = decodeHook(record, () => undefined)
  return decoded.kind === 'active' ? decoded.hook : undefined
}

/** The mark of a URL in records of endpoint health. */
export const urlMark = endpointOf

function isFor(
  { tenantId, events, filter }: Hook,
  event: { readonly tenantId: string; readonly eventKey: string; readonly n: number },
): boolean {
  const isNamed = tenantId === event.tenantId && events.includes(event.eventKey)
  return isNamed && isLetThrough(filter, event.n)
}

/** Whether both match the same events. */
function isAlike(one: Hook, other: Hook): boolean {
  return (
    one.enabled === other.enabled &&
    one.tenantId === other.tenantId &&
    one.filter === other.filter &&
    one.events.join() === other.events.join()
  )
}
