/** Keeps the hook table as the hook topic says: all of it before the first event, then live (design section 4). */
import { decodeHook } from '../core/hook.ts'
import type { HookTable } from '../core/hook-table.ts'
import type { InboundRecord } from '../core/model.ts'
import type { Emit } from '../core/signal.ts'
import type { TableSource } from '../ports.ts'

export interface HookLoaderParts {
  readonly source: TableSource
  readonly table: HookTable
  readonly emit: Emit
  readonly onFailed: (error: Error) => void
}

/** Resolves when the table has reached the topic's end as it was at the call. */
export async function loadHooks({ source, table, emit, onFailed }: HookLoaderParts): Promise<void> {
  await source.start((record) => applyHook(record, table, emit), onFailed)
  emit({ kind: 'table.loaded', hooks: table.size, suspended: table.suspendedCount })
}

function applyHook(record: InboundRecord, table: HookTable, emit: Emit): void {
  const decoded = decodeHook(record)
  switch (decoded.kind) {
    case 'active':
      table.set(decoded)
      return
    case 'suspended': {
      table.set(decoded)
      const { id, configVersion, problems } = decoded.hook
      emit({ kind: 'hook.suspended', hookId: id, configVersion, problems })
      return
    }
    case 'tombstone':
      table.delete(decoded.id)
      return
    case 'unusable':
      emit({ kind: 'hook.unusable', source: record, problem: decoded.problem })
      return
  }
}
