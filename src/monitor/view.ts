/** What the monitor knows, as its API reads it. Feeds fill it; tests fill it by hand. */
import type { StoredHook } from '../commands/hooks/topic.ts'
import type { Health } from '../core/health/record.ts'
import type { EpochMs, HookId } from '../core/model/model.ts'
import type { Lag } from './feed/lag.ts'
import type { ResultIndex } from './index/result-index.ts'

/** How far a topic was read. */
export interface TopicReading {
  readonly kind: 'results' | 'deadLetters' | 'hooks' | 'endpoints'
  readonly topic: string
  /** Records that are not read yet; `undefined` while that is not known. */
  readonly behind: number | undefined
  /** Why it is not read at the moment; `undefined` when it is. */
  readonly trouble: string | undefined
}

export interface MonitorView {
  readonly index: ResultIndex
  /** `undefined` until the topic of hooks was read to its end. */
  readonly hooks: ReadonlyMap<HookId, StoredHook> | undefined
  readonly endpoints: ReadonlyMap<HookId, Health>
  readonly readings: readonly TopicReading[]
  /** Results that could not be read: of a schema that is not known, or none at all. */
  readonly unreadable: number
  /** `undefined` while it is not known. */
  readonly lag: Lag | undefined
  /** Why it is not known; `undefined` when it is, or is not read yet. */
  readonly lagTrouble: string | undefined
  readonly now: () => EpochMs
  /** Calls `changed` after something was read. @returns how to stop that */
  onChange(changed: () => void): () => void
}
