/** Which of the hooks that an event is for let it through: those without a filter, and those whose filter is true of it. */
import {
  eventUnits,
  evaluate,
  filterUnits,
  smallFilterUnits,
  type FilterNode,
  type Facts,
} from './filter.ts'
import { Meter, type FilterFault, type JsonMap, type Value } from './filter-values.ts'
import { decodeUtf8, parseJson } from './json-text.ts'
import type { AuthEvent, HookId, KafkaHeaders, TableEntry } from './model.ts'

export interface Filtering {
  /** What a filter says; `undefined` for a text that is none. */
  readonly read: (text: string) => FilterNode | undefined
  /** A filter has no value for an event: the event does not pass. */
  readonly onFault: (hookId: HookId, fault: FilterFault) => void
}

/** @param entries as {@link HookTable.matching} has them; suspended ones pass */
export function admitted(
  entries: readonly TableEntry[],
  event: AuthEvent,
  filtering: Filtering,
): readonly TableEntry[] {
  if (!entries.some(isFiltered)) return entries
  const facts = factsOf(event)
  let left = eventUnits
  return entries.filter((entry) => {
    if (!isFiltered(entry)) return true
    const node = filtering.read(entry.hook.filter)
    // The table has only hooks whose filter was read before.
    if (node === undefined) return false
    const units = left > 0 ? filterUnits : smallFilterUnits
    const meter = new Meter(units)
    const result = evaluate(node, facts, meter)
    left -= units - meter.left
    if (typeof result === 'boolean') return result
    filtering.onFault(entry.hook.id, result)
    return false
  })
}

type FilteredEntry = TableEntry & { readonly hook: { readonly filter: string } }

function isFiltered(entry: TableEntry): entry is FilteredEntry {
  return entry.kind === 'active' && entry.hook.filter !== undefined
}

/** Each fact is made when a filter names it, and once for all filters of the event. */
function factsOf({ body, tenantId, headers }: AuthEvent): Facts {
  let payload: Value | undefined
  let texts: JsonMap | undefined
  return (name) => {
    switch (name) {
      case 'event':
        // What JSON gives are values of filters as they are.
        return (payload ??= parseJson(body) as Value)
      case 'tenant':
        return tenantId
      case 'headers':
        return (texts ??= headerTexts(headers))
    }
  }
}

/** A header that is there twice counts as its last, as everywhere; one that is no text is not there. */
function headerTexts(headers: KafkaHeaders): JsonMap {
  const texts: Record<string, Value> = Object.create(null) as Record<string, Value>
  for (const [name, value] of headers) {
    const text = decodeUtf8(value)
    if (text === undefined) delete texts[name]
    else texts[name] = text
  }
  return texts
}
