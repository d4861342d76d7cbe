/** What has to be ended, whichever way its user ends. */
import { asError } from '../../src/core/model/errors.ts'

export interface Endings {
  add(end: () => Promise<unknown>): void
  /** Ends all, the newest first. One that fails is told of and keeps none of the others from ending. */
  run(): Promise<void>
}

export function createEndings(note: (line: string) => void): Endings {
  const ends: (() => Promise<unknown>)[] = []
  return {
    add: (end) => void ends.push(end),
    async run() {
      for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
        try {
          await end()
        } catch (error) {
          note(`Not ended: ${asError(error).message}`)
        }
      }
    },
  }
}
