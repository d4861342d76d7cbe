/**
 * Keeps the hook table in step with the hook topic: the whole topic before the first event, then each new record
 * (docs/architecture.md, Join).
 */
import type { Decrypt } from '../core/hook/encrypted-text.ts'
import { decodeFramedHook } from '../core/hook/framed-hook.ts'
import { hookIdOf, type DecodedHook } from '../core/hook/hook.ts'
import { NewestRecords, type HookTable } from '../core/hook/table.ts'
import type { Lanes } from '../core/lane/lanes.ts'
import type { InboundRecord } from '../core/model/model.ts'
import type { Emit, Signal } from '../core/signal/signal.ts'
import type { Filters, SchemaSource, TableSource } from '../ports.ts'
import type { EndpointHealth } from './endpoint-health.ts'

export interface HookLoaderParts {
  readonly source: TableSource
  readonly schemas: SchemaSource
  readonly filters: Filters
  readonly decrypt: Decrypt
  readonly table: HookTable
  readonly emit: Emit
  readonly health: EndpointHealth
  readonly lanes: Pick<Lanes<unknown>, 'forget'>
  readonly onFailed: (error: Error) => void
}

/**
 * Resolves when the table has everything up to the end that the topic had at the call, even if that takes long because the
 * schemas of framed hooks are missing.
 */
export async function loadHooks(parts: HookLoaderParts): Promise<void> {
  const { source, table, health, lanes, emit, onFailed } = parts
  // Needed until the table is loaded. Records that arrive later are new.
  let newest: NewestRecords | undefined = new NewestRecords()
  const queue = new HookQueue(parts, (decoded, record) => {
    const id = hookIdOf(decoded)
    if (id !== undefined && newest?.admits(id, record) === false) return
    const before = id === undefined ? undefined : table.get(id)
    const signal = applyHook(decoded, record, table)
    // Hooks that were there at the start are reported as one count, below.
    if (newest === undefined || signal.kind !== 'hook.changed') emit(signal)
    if (signal.kind === 'hook.changed' && signal.change === 'deleted') {
      health.hookDeleted(signal.hookId)
      lanes.forget(signal.hookId)
    }
    if (decoded.kind === 'active') {
      const hasOtherUrl = before?.kind === 'active' && before.hook.url !== decoded.hook.url
      health.hookChanged(decoded.hook, hasOtherUrl)
    }
  })
  await source.start((record) => queue.add(record), onFailed)
  await queue.drained()
  newest = undefined
  emit({ kind: 'table.loaded', hooks: table.size, suspended: table.suspendedCount })
}

type HookReadingParts = Pick<HookLoaderParts, 'schemas' | 'filters' | 'decrypt'>

/**
 * Records of the hook topic in their order. A record whose schema has not arrived blocks those behind it, because an older
 * record must not be applied after a newer one of the same hook. Only the newest record of each key waits, as after
 * compaction. So the queue is bounded by the size of the table, and not by how long a registry is unavailable.
 */
class HookQueue {
  /** By partition and key, in the order of arrival. */
  readonly #waiting = new Map<string, InboundRecord>()
  readonly #parts: HookReadingParts
  readonly #apply: (decoded: DecodedHook, record: InboundRecord) => void
  #onDrained: (() => void) | undefined

  constructor(
    parts: HookReadingParts,
    apply: (decoded: DecodedHook, record: InboundRecord) => void,
  ) {
    this.#parts = parts
    this.#apply = apply
    parts.schemas.onAgain(() => this.#advance())
  }

  add(record: InboundRecord): void {
    const key = `${record.partition}/${record.key?.toString('latin1')}`
    const [head] = this.#waiting.keys()
    this.#waiting.delete(key)
    this.#waiting.set(key, record)
    // A head that waits for its schema blocks all others, unless this record replaces it. Decoding the head again for each
    // record behind it would take quadratic time.
    if (head === undefined || head === key) this.#advance()
  }

  /** Resolves when nothing waits. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained = resolve
      this.#advance()
    })
  }

  #advance(): void {
    const { schemas, filters, decrypt } = this.#parts
    for (const [key, record] of this.#waiting) {
      const framed = decodeFramedHook(record, (id) => schemas.find(id), filters.fault, decrypt)
      if (framed.kind === 'schema') return
      this.#waiting.delete(key)
      this.#apply(framed.decoded, record)
    }
    this.#onDrained?.()
  }
}

function applyHook(decoded: DecodedHook, record: InboundRecord, table: HookTable): Signal {
  switch (decoded.kind) {
    case 'active': {
      table.set(decoded)
      const { id, configVersion } = decoded.hook
      return { kind: 'hook.changed', hookId: id, configVersion, change: 'set' }
    }
    case 'suspended': {
      table.set(decoded)
      const { id, configVersion, problems } = decoded.hook
      return { kind: 'hook.suspended', hookId: id, configVersion, problems }
    }
    case 'tombstone': {
      table.delete(decoded.id)
      const configVersion = `${record.partition}-${record.offset}`
      return { kind: 'hook.changed', hookId: decoded.id, configVersion, change: 'deleted' }
    }
    case 'unusable': {
      const { topic, partition, offset } = record
      const { problem } = decoded
      return { kind: 'hook.unusable', source: { topic, partition, offset }, problem }
    }
  }
}
