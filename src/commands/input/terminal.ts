/** A question to whoever sits at the terminal. */
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'
import { InterruptedError } from '../../core/model/errors.ts'
import { printable } from '../../core/text/printable-text.ts'

/** @returns whether the answer is yes; any other answer, and the end of the input, is no */
export type Ask = (question: string) => Promise<boolean>

/**
 * Asks on one stream, and reads the answer from another.
 *
 * @param signal aborted when the command is to end: the question rejects with an InterruptedError then
 */
export function askOn(input: Readable, output: Writable, signal: AbortSignal): Ask {
  return async (question) => {
    // Not as a terminal: readline would read Ctrl-C itself, and the process would get no signal.
    const lines = createInterface({ input, output, terminal: false })
    const closed = new AbortController()
    try {
      const answer = await Promise.race([
        lines.question(`${printable(question)} [y/N] `, { signal }),
        once(lines, 'close', { signal: closed.signal }).then(() => ''),
      ])
      return /^\s*y(?:es)?\s*$/i.test(answer)
    } catch (error) {
      if (signal.aborted) throw new InterruptedError()
      throw error
    } finally {
      closed.abort()
      lines.close()
    }
  }
}
