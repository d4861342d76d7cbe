/** Keeps the hook table as the hook topic says: all of it before the first event, then live (design section 4). */
import { decodeHook } from '../core/hook.ts'
import type { HookTable } from '../core/hook-table.ts'
import type { HookId, InboundRecord } from '../core/model.ts'
import type { Emit, Signal } from '../core/signal.ts'
import type { TableSource } from '../ports.ts'

export interface HookLoaderParts {
  readonly source: TableSource
  readonly table: HookTable
  readonly emit: Emit
  readonly onFailed: (error: Error) => void
  readonly onDeleted: (id: HookId) => void
}

/** Resolves when the table has reached the topic's end as it was at the call. */
export async function loadHooks(parts: HookLoaderParts): Promise<void> {
  const { source, table, emit, onFailed, onDeleted } = parts
  let isLoaded = false
  await source.start((record) => {
    const signal = applyHook(record, table)
    // What was there at the start is told as one count, below.
    if (isLoaded || signal.kind !== 'hook.changed') emit(signal)
    if (signal.kind === 'hook.changed' && signal.change === 'deleted') onDeleted(signal.hookId)
  }, onFailed)
  isLoaded = true
  emit({ kind: 'table.loaded', hooks: table.size, suspended: table.suspendedCount })
}

function applyHook(record: InboundRecord, table: HookTable): Signal {
  const decoded = decodeHook(record)
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
    case 'unusable':
      return { kind: 'hook.unusable', source: record, problem: decoded.problem }
  }
}
