/**
 * The `Filters` port: CEL is read and type-checked by a library, and evaluated by our own `core/filter.ts`, since no
 * library bounds what an evaluation costs. Whatever the text, reading it ends soon: its length, depth and number of
 * operators are bounded. Of many hooks only the text is kept; what it is read to is kept for the ones used last.
 */
import { Environment, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js'
import type { FilterNode } from '../../core/filter.ts'
import type { Filters } from '../../ports.ts'
import { filterNodeOf, Refusal } from './conversion.ts'

const maxLength = 4_096
const maxNodes = 1_000
/** Of brackets; and of the whole, since each operator of a chain holds the ones before it. */
const maxDepth = { brackets: 60, tree: 250 }
const maxKept = 10_000
const maxMessageLength = 300

const environment = new Environment({
  // As the specification has it; the library's own default asks for values of one type.
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: maxNodes, maxDepth: maxDepth.brackets, maxCallArguments: 3 },
})
  .registerVariable('event', 'map<string, dyn>')
  .registerVariable('tenant', 'string')
  .registerVariable('headers', 'map<string, string>')

/** As the port's `fault`, for those who only want to know. */
export function filterFault(text: string): string | undefined {
  const read = readFilter(text)
  return typeof read === 'string' ? read : undefined
}

export function createFilters(): Filters {
  const kept = new Map<string, FilterNode>()
  return {
    fault: filterFault,
    read(text) {
      const known = kept.get(text)
      if (known !== undefined) {
        // The one used last is the youngest.
        kept.delete(text)
        kept.set(text, known)
        return known
      }
      const read = readFilter(text)
      if (typeof read === 'string') return undefined
      for (const oldest of kept.keys()) {
        if (kept.size < maxKept) break
        kept.delete(oldest)
      }
      kept.set(text, read)
      return read
    },
  }
}

/** The expression, or why it cannot be used and where. */
function readFilter(text: string): FilterNode | string {
  if (text.length > maxLength) return `is longer than ${maxLength} characters`
  try {
    const parsed = environment.parse(text)
    // First what is not supported: to the library's checks some of it is right.
    const node = filterNodeOf(parsed.ast, maxDepth.tree)
    const { valid, type, error } = parsed.check()
    if (!valid) throw error ?? new Refusal('its types do not fit', undefined)
    if (type !== 'bool' && type !== 'dyn') {
      throw new Refusal(`its value is of type ${type ?? '?'}, and must be true or false`, undefined)
    }
    return node
  } catch (error) {
    return faultOf(error, text)
  }
}

function faultOf(error: unknown, text: string): string {
  if (error instanceof Refusal) return placed(error.message, error.start, text)
  if (error instanceof ParseError || error instanceof CelTypeError) {
    return placed(error.summary, error.range?.start, text)
  }
  // The parser's own stack: signs before a sign before a sign.
  if (error instanceof RangeError) return 'is nested too deeply'
  throw error
}

function placed(summary: string, start: number | undefined, text: string): string {
  const before = start === undefined ? undefined : text.slice(0, start).split('\n')
  const where =
    before === undefined
      ? ''
      : ` (${before.length > 1 ? `line ${before.length}, ` : ''}character ${(before.at(-1)?.length ?? 0) + 1})`
  return `cannot be used: ${summary.slice(0, maxMessageLength)}${where}`
}
