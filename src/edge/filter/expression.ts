/**
 * Reads an expression of CEL: a library parses it, then its types are checked and its tree is made here, because the
 * library's type checker keeps every type that it has met. Reading ends soon, whatever the text is: its length, its depth
 * and its number of operators are bounded.
 */
import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js'
import type { FilterNode } from '../../core/filter/filter.ts'
import { filterNodeOf, type Declarations } from './conversion.ts'
import { Patterns } from './pattern.ts'
import { Refusal } from './typed-nodes.ts'
import type { StaticKind } from './types.ts'

const maxLength = 4_096
const maxNodes = 1_000
/** Of brackets; and of the whole tree, in which each operator of a chain holds those before it. */
const maxDepth = { brackets: 60, tree: 250 }
const maxMessageLength = 300

/** Memory that an expression and one of its nodes take, as measured, rounded up. */
const bytesPerExpression = 300
const bytesPerNode = 80

/** An expression that was read. */
export interface Expression {
  readonly node: FilterNode
  /** The type of its value, as far as it is known. */
  readonly kind: StaticKind
  /** About what it takes in memory, its text included. */
  readonly bytes: number
}

/**
 * @param variables those that the expression may use
 * @returns the expression; or why it cannot be used and where, as the end of a sentence that names its text
 */
export function readExpression(text: string, variables: Declarations): Expression | string {
  if (text.length > maxLength) return `is longer than ${maxLength} characters`
  const patterns = new Patterns()
  try {
    const conversion = { depth: maxDepth.tree, patterns, variables }
    const { node, nodes, type } = filterNodeOf(parser.parse(text), conversion)
    const bytes = bytesPerExpression + text.length * 2 + nodes * bytesPerNode + patterns.bytes
    return { node, kind: type.kind, bytes }
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
  // An expression comes from anybody: a mistake of the library must not end the process.
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
