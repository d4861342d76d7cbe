/** The `Filters` port: expressions of CEL over an event, kept by their text once they have been read. */
import type { FilterVariable } from '../../core/hook/filter-match.ts'
import type { Filters } from '../../ports.ts'
import type { Declarations } from './conversion.ts'
import { readExpression, type Expression } from './expression.ts'
import { mapOf, mayBe, typeOf, type StaticType } from './types.ts'

const types: Readonly<Record<FilterVariable, StaticType>> = {
  event: mapOf('string', 'dyn'),
  tenant: typeOf('string'),
  headers: mapOf('string', 'string'),
}
const variables: Declarations = new Map(Object.entries(types))

/**
 * Memory of filters that were read, for each of two generations. A filter that is used goes to the younger one. When that
 * is full it becomes the older one, and what the old one held is forgotten.
 */
const maxGenerationBytes = 128 * 2 ** 20

/** As the port's `fault`, for those who only want to know. */
export function filterFault(text: string): string | undefined {
  const read = readFilter(text)
  return typeof read === 'string' ? read : undefined
}

/** @param maxBytes of each generation of what is kept */
export function createFilters(maxBytes: number = maxGenerationBytes): Filters {
  const kept = new KeptFilters(maxBytes)
  const read = (text: string): Expression | string => {
    const known = kept.get(text)
    if (known !== undefined) return known
    const found = readFilter(text)
    if (typeof found !== 'string') kept.add(text, found)
    return found
  }
  return {
    fault(text) {
      const found = read(text)
      return typeof found === 'string' ? found : undefined
    },
    isKept: (text) => kept.has(text),
    read(text) {
      const found = read(text)
      return typeof found === 'string' ? undefined : found.node
    },
  }
}

/** Filters by their text: hooks with the same one share it. */
class KeptFilters {
  #younger = new Map<string, Expression>()
  #youngerBytes = 0
  #older = this.#younger
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  has(text: string): boolean {
    return this.#younger.has(text) || this.#older.has(text)
  }

  get(text: string): Expression | undefined {
    const young = this.#younger.get(text)
    if (young !== undefined) return young
    const old = this.#older.get(text)
    if (old !== undefined) this.add(text, old)
    return old
  }

  add(text: string, filter: Expression): void {
    this.#younger.set(text, filter)
    this.#youngerBytes += filter.bytes
    if (this.#youngerBytes <= this.#maxBytes) return
    this.#older = this.#younger
    this.#younger = new Map()
    this.#youngerBytes = 0
  }
}

/** The filter, or why the text is none. */
function readFilter(text: string): Expression | string {
  const read = readExpression(text, variables)
  if (typeof read === 'string' || mayBe(read.kind, 'bool')) return read
  return `cannot be used: its value is of type ${read.kind}, and must be true or false`
}
