/** The tree of an expression, as a reader makes it and {@link evaluate} takes it. */
import type { ArithmeticOperator } from './arithmetic.ts'
import type { FilterFunction } from './functions.ts'
import type { Value } from './values.ts'

/** A regular expression that takes a time linear in the text, whatever it is. */
export interface Pattern {
  /** Units that one character of a text costs, at most. */
  readonly unitsPerCharacter: number
  /** Whether it is found anywhere in the text. */
  test(text: string): boolean
}

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='
export type LoopKind = 'all' | 'exists' | 'exists_one' | 'map' | 'filter'

/** An expression as it was read. */
export type FilterNode =
  | { readonly kind: 'literal'; readonly value: Value }
  /** One of the facts, or the variable of a loop around it. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'select'; readonly of: FilterNode; readonly field: string }
  | { readonly kind: 'has'; readonly of: FilterNode; readonly field: string }
  | { readonly kind: 'index'; readonly of: FilterNode; readonly key: FilterNode }
  | { readonly kind: 'not'; readonly of: FilterNode }
  | { readonly kind: 'negative'; readonly of: FilterNode }
  /** `decisive` is the side's value that decides alone: false for `&&`, true for `||`. */
  | {
      readonly kind: 'logic'
      readonly decisive: boolean
      readonly left: FilterNode
      readonly right: FilterNode
    }
  | {
      readonly kind: 'choice'
      readonly condition: FilterNode
      readonly whenTrue: FilterNode
      readonly whenFalse: FilterNode
    }
  | {
      readonly kind: 'comparison'
      readonly operator: Comparison
      readonly left: FilterNode
      readonly right: FilterNode
    }
  | {
      readonly kind: 'arithmetic'
      readonly operator: ArithmeticOperator
      readonly left: FilterNode
      readonly right: FilterNode
    }
  | { readonly kind: 'in'; readonly item: FilterNode; readonly of: FilterNode }
  | { readonly kind: 'list'; readonly items: readonly FilterNode[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [FilterNode, FilterNode])[] }
  | {
      readonly kind: 'call'
      readonly function: FilterFunction
      readonly args: readonly FilterNode[]
    }
  | { readonly kind: 'matches'; readonly text: FilterNode; readonly pattern: Pattern }
  | {
      readonly kind: 'loop'
      readonly loop: LoopKind
      readonly over: FilterNode
      readonly variable: string
      /** Of `map` with three arguments: items for which it is false are left out. */
      readonly condition: FilterNode | undefined
      readonly body: FilterNode
    }
