/** Patterns of filters by RE2JS, whose matching takes time linear in the text: those of the platform can be made to stall. */
import { RE2JS, RE2JSException } from 're2js'
import type { Pattern } from '../../core/filter.ts'

const maxPatternLength = 256
/** Instructions. A repetition of repetitions makes thousands out of a few characters. */
const maxProgramSize = 1_000
/** Instructions that run for one unit, at worst one after the other for each character. */
const instructionsPerUnit = 20

/** What a text is compiled to, or why it cannot be used, which completes `the pattern …`. */
export function compilePattern(text: string): Pattern | string {
  if (text.length > maxPatternLength) return `is longer than ${maxPatternLength} characters`
  try {
    const compiled = RE2JS.compile(text)
    const size = compiled.programSize()
    if (size > maxProgramSize) return 'repeats too much'
    return {
      unitsPerCharacter: size / instructionsPerUnit + 0.25,
      test: (subject) => compiled.matcher(subject).find(),
    }
  } catch (error) {
    if (error instanceof RE2JSException) return `cannot be used: ${error.message}`
    throw error
  }
}
