/** Which of the hooks that an event is for let it through: those without a filter, and those whose filter is true of it. */
import {
  evaluateFilter,
  Meter,
  type Bindings,
  type FilterFault,
  type FilterNode,
  type JsonMap,
  type Value,
} from '../filter/filter.ts'
import { decodeUtf8, parseJson } from '../text/json.ts'
import type { AuthEvent, HookId, KafkaHeaders, RefusalReason, TableEntry } from '../model/model.ts'

/** The variables of a filter. */
export type FilterVariable = 'event' | 'tenant' | 'headers'

/** Units that one filter may spend on an event. */
export const filterUnits = 25_000
/**
 * Units that all filters of one event may spend together. After that each further filter has {@link smallFilterUnits}:
 * whatever one hook spends, a simple filter of another has enough, and a thousand expensive ones end, too.
 */
export const eventUnits = 250_000
export const smallFilterUnits = 1_000

/** What reading an expression costs, in units of evaluation. */
const readingUnits = 500
const readingUnitsPerCharacter = 4

export interface Filtering {
  /** What a filter says; `undefined` for a text that is none. */
  readonly read: (text: string) => FilterNode | undefined
  /** Whether that takes no time. */
  readonly isKept: (text: string) => boolean
  /** A filter has no value for an event: the event does not pass. */
  readonly onFault: (hookId: HookId, fault: FilterFault) => void
}

/**
 * @param entries as {@link HookTable.matching} has them; suspended ones pass
 * @param onRefused called for each of the others
 */
export function passing(
  entries: readonly TableEntry[],
  event: AuthEvent,
  filtering: Filtering,
  onRefused?: (hookId: HookId, reason: RefusalReason) => void,
): readonly TableEntry[] {
  if (!entries.some(isFiltered)) return entries
  const bindings = bindingsOf(event)
  const meter = new EventMeter()
  return entries.filter((entry) => {
    if (!isFiltered(entry)) return true
    const { id, filter } = entry.hook
    const result = meter.hasUnitsFor(filter, filtering)
      ? passes(filtering.read(filter), bindings, meter)
      : 'budget'
    if (result === true) return true
    onRefused?.(id, result === false ? 'filter-false' : 'filter-failed')
    if (result !== false) filtering.onFault(id, result)
    return false
  })
}

function passes(
  node: FilterNode | undefined,
  bindings: Bindings,
  meter: EventMeter,
): boolean | FilterFault {
  // The table has only hooks whose filter was read before.
  return node === undefined
    ? false
    : meter.measure((units) => evaluateFilter(node, bindings, units))
}

/** What filters of one event cost together. */
class EventMeter {
  #left = eventUnits

  /** A filter that is not kept must be read again, and is only while the event has units left. */
  hasUnitsFor(text: string, { isKept }: Pick<Filtering, 'isKept'>): boolean {
    if (isKept(text)) return true
    const isAffordable = this.#left > 0
    this.#left -= readingUnits + text.length * readingUnitsPerCharacter
    return isAffordable
  }

  measure<Result>(evaluation: (meter: Meter) => Result): Result {
    const units = this.#left > 0 ? filterUnits : smallFilterUnits
    const meter = new Meter(units)
    const result = evaluation(meter)
    this.#left -= units - meter.left
    return result
  }
}

type FilteredEntry = TableEntry & { readonly hook: { readonly filter: string } }

function isFiltered(entry: TableEntry): entry is FilteredEntry {
  return entry.kind === 'active' && entry.hook.filter !== undefined
}

/** Each value is made when a filter first uses it, and once for all filters of the event. */
function bindingsOf(event: AuthEvent): Bindings {
  let payload: Value | undefined
  let texts: JsonMap | undefined
  return (name) => {
    switch (name as FilterVariable) {
      case 'event':
        // What JSON gives are values of filters as they are.
        return (payload ??= parseJson(event.body) as Value)
      case 'tenant':
        return event.tenantId
      case 'headers':
        return (texts ??= headerTexts(event.headers))
    }
  }
}

/** A header that is there twice counts as its last, as everywhere; one that has no value, or is no text, is not there. */
function headerTexts(headers: KafkaHeaders): JsonMap {
  const texts: Record<string, Value> = Object.create(null) as Record<string, Value>
  for (const [name, value] of headers) {
    const text = value === null ? undefined : decodeUtf8(value)
    if (text === undefined) delete texts[name]
    else texts[name] = text
  }
  return texts
}
