/**
 * The `Filters` port: CEL is parsed by a library, and its types are checked and its value found by ourselves, since no
 * library bounds what an evaluation costs, and this one's type checker keeps every type that it has met. Whatever the
 * text, reading it ends soon: its length, depth and number of operators are bounded.
 */
import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js'
import type { FilterNode } from '../../core/filter/filter.ts'
import type { Filters } from '../../ports.ts'
import { filterNodeOf } from './conversion.ts'
import { Patterns } from './pattern.ts'
import { Refusal } from './typed-nodes.ts'

const maxLength = 4_096
const maxNodes = 1_000
/** Of brackets; and of the whole, since each operator of a chain holds the ones before it. */
const maxDepth = { brackets: 60, tree: 250 }
const maxMessageLength = 300

/**
 * Memory of filters that were read, of each of two generations. What is used stays in the younger one; once that is full
 * it becomes the older one, and what was not used since the last time is forgotten.
 */
const maxGenerationBytes = 128 * 2 ** 20
/** As measured, rounded up. */
const bytesPerFilter = 300
const bytesPerNode = 80

/** A filter that was read. */
interface ReadFilter {
  readonly node: FilterNode
  /** About what it takes in memory, its text included. */
  readonly bytes: number
}

/** As the port's `fault`, for those who only want to know. */
export function filterFault(text: string): string | undefined {
  const read = readFilter(text)
  return typeof read === 'string' ? read : undefined
}

/** @param maxBytes of each generation of what is kept */
export function createFilters(maxBytes: number = maxGenerationBytes): Filters {
  const kept = new KeptFilters(maxBytes)
  const read = (text: string): ReadFilter | string => {
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
  #younger = new Map<string, ReadFilter>()
  #youngerBytes = 0
  #older = this.#younger
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  has(text: string): boolean {
    return this.#younger.has(text) || this.#older.has(text)
  }

  get(text: string): ReadFilter | undefined {
    const young = this.#younger.get(text)
    if (young !== undefined) return young
    const old = this.#older.get(text)
    if (old !== undefined) this.add(text, old)
    return old
  }

  add(text: string, filter: ReadFilter): void {
    this.#younger.set(text, filter)
    this.#youngerBytes += filter.bytes
    if (this.#youngerBytes <= this.#maxBytes) return
    this.#older = this.#younger
    this.#younger = new Map()
    this.#youngerBytes = 0
  }
}

/** The expression, or why it cannot be used and where. */
function readFilter(text: string): ReadFilter | string {
  if (text.length > maxLength) return `is longer than ${maxLength} characters`
  const patterns = new Patterns()
  try {
    const { node, nodes } = filterNodeOf(parser.parse(text), maxDepth.tree, patterns)
    const bytes = bytesPerFilter + text.length * 2 + nodes * bytesPerNode + patterns.bytes
    return { node, bytes }
  } catch (error) {
    return faultOf(error, text)
  }
}

/** The library's parser keeps the name of every function that was called in a text, so it is made anew now and then. */
class TextParser {
  #environment: Environment | undefined
  #texts = 0

  /** @throws ParseError */
  parse(text: string): ASTNode {
    if (this.#texts % textsPerParser === 0) this.#environment = undefined
    this.#texts += 1
    this.#environment ??= newEnvironment()
    return this.#environment.parse(text).ast
  }
}

const textsPerParser = 100
const parser = new TextParser()

function newEnvironment(): Environment {
  const limits = { maxAstNodes: maxNodes, maxDepth: maxDepth.brackets, maxCallArguments: 3 }
  // Only one that has a function of its own keeps names for itself; those of others are kept for good.
  return new Environment({ limits }).registerFunction('hooktide(): bool', () => true)
}

function faultOf(error: unknown, text: string): string {
  if (error instanceof Refusal) return placed(error.message, error.start, text)
  if (error instanceof ParseError) return placed(error.summary, error.range?.start, text)
  // The parser's own stack overflowed, as many minus signs in a row make it.
  if (error instanceof RangeError) return 'is nested too deeply'
  // A mistake of a library must not end a process: whoever may write a hook could then end them all.
  return 'cannot be read'
}

function placed(summary: string, start: number | undefined, text: string): string {
  const before = start === undefined ? undefined : text.slice(0, start).split('\n')
  const where =
    before === undefined
      ? ''
      : ` (${before.length > 1 ? `line ${before.length}, ` : ''}character ${(before.at(-1)?.length ?? 0) + 1})`
  return `cannot be used: ${summary.slice(0, maxMessageLength)}${where}`
}
