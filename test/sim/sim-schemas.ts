/** The schema registry as one process sees it: the `SchemaSource` port. It has one schema, and answers after a while. */
import type { Schema } from '../../src/core/event/framed-value.ts'
import type { SchemaSource } from '../../src/ports.ts'
import type { Dice } from './dice.ts'
import type { ProcessLoop } from './process-loop.ts'

/** The id of a schema for JSON text, which follows the frame unchanged. */
export const schemaId = 7

export class SimSchemas implements SchemaSource {
  readonly #loop: ProcessLoop
  readonly #dice: Dice
  readonly #listeners: (() => void)[] = []
  #known: Schema | undefined
  #isAsked = false

  constructor(loop: ProcessLoop, dice: Dice) {
    this.#loop = loop
    this.#dice = dice
  }

  /** Whether records wait for the answer. */
  get isAsking(): boolean {
    return this.#isAsked && this.#known === undefined
  }

  find(id: number): Schema | undefined {
    if (id !== schemaId) return { kind: 'unknown' }
    if (!this.#isAsked) this.#ask()
    return this.#known
  }

  onAgain(again: () => void): void {
    this.#listeners.push(again)
  }

  trouble(): string | undefined {
    return undefined
  }

  stop(): void {
    // There is nothing to stop.
  }

  #ask(): void {
    this.#isAsked = true
    const delayMs = this.#dice.chance(0.2)
      ? this.#dice.between(500, 6_000)
      : this.#dice.between(1, 30)
    this.#loop.clock.after(delayMs, () => {
      this.#known = { kind: 'json' }
      for (const again of this.#listeners) again()
    })
  }
}
