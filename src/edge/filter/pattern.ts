/**
 * Patterns of filters by RE2JS, whose matching takes time linear in the text: those of the platform can be made to stall.
 */
import { RE2JS, RE2JSException } from 're2js'
import type { Pattern } from '../../core/filter/filter.ts'

/** Of all patterns of one filter. */
const maxLength = 512
/** Instructions of them all. A repetition of repetitions makes thousands out of a few characters. */
const maxInstructions = 1_000
/** Classes such as `\pL`, of them all: each is hundreds of ranges, and compiling it takes a tenth of a millisecond. */
const maxClasses = 10
/** Memory that a pattern, an instruction and a class take, as measured, rounded up. */
const bytesPerPattern = 12_000
const bytesPerInstruction = 250
const bytesPerClass = 3_000

/** Instructions that run for one unit, at worst one after the other for each character. */
const instructionsPerUnit = 5
const leastUnits = 1

/** The patterns of one filter. Their bounds are of all together. */
export class Patterns {
  #count = 0
  #length = 0
  #instructions = 0
  #classes = 0

  /** About what they take in memory. */
  get bytes(): number {
    const ofPatterns = this.#count * bytesPerPattern + this.#classes * bytesPerClass
    return ofPatterns + this.#instructions * bytesPerInstruction
  }

  /** What a text is compiled to, or why it cannot be used, which completes `the pattern …`. */
  compile(text: string): Pattern | string {
    this.#count += 1
    this.#length += text.length
    if (this.#length > maxLength)
      return `and those before it have more than ${maxLength} characters`
    this.#classes += text.match(/\\p/gi)?.length ?? 0
    if (this.#classes > maxClasses)
      return `and those before it have more than ${maxClasses} classes such as \\pL`
    try {
      const compiled = RE2JS.compile(text)
      const size = compiled.programSize()
      this.#instructions += size
      if (this.#instructions > maxInstructions) return 'repeats too much'
      return {
        unitsPerCharacter: size / instructionsPerUnit + leastUnits,
        // `find` keeps nothing of the text, where `test` would keep megabytes of states for each pattern.
        test: (subject) => compiled.matcher(subject).find(),
      }
    } catch (error) {
      if (error instanceof RE2JSException) return `cannot be used: ${error.message}`
      throw error
    }
  }
}
