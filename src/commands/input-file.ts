/** What commands read: a file, or standard input for `-`. */
import { readFile } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { asError, InterruptedError, UserError } from '../core/errors.ts'
import type { CommandContext } from './command.ts'
import { textOption } from './option-values.ts'

export const fileOption = {
  type: 'string',
  short: 'f',
  description: 'File to read, or - for standard input.',
} as const

export interface Input {
  /** For people. */
  readonly name: string
  readonly bytes: Buffer
}

/**
 * @throws UserError when `--file` is missing or cannot be read
 * @throws InterruptedError when the command is asked to end while it waits for standard input
 */
export async function readInput(
  context: Pick<CommandContext, 'options' | 'signal'>,
): Promise<Input> {
  const file = textOption(context, 'file')
  if (file === undefined) throw new UserError('Name a file with -f, or - for standard input.', 2)
  if (/^\s*[[{]/.test(file)) {
    // As some tools take it. It may hold signing keys, and is not repeated.
    throw new UserError(
      'Name a file with -f. It was given what a file holds, which standard input takes, with -f -: arguments show in the list of processes.',
      2,
    )
  }
  if (file === '-') return { name: 'standard input', bytes: await standardInput(context.signal) }
  try {
    return { name: file, bytes: await readFile(file) }
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${reasonOf(error)}.`, 2, { cause: error })
  }
}

async function standardInput(signal: AbortSignal): Promise<Buffer> {
  try {
    return await buffer(addAbortSignal(signal, process.stdin))
  } catch (error) {
    if (signal.aborted) throw new InterruptedError()
    throw error
  }
}

function reasonOf(thrown: unknown): string {
  const error: NodeJS.ErrnoException = asError(thrown)
  if (error.code === 'ENOENT') return 'there is no such file'
  if (error.code === 'EISDIR') return 'it is a folder'
  if (error.code === 'EACCES') return 'permission denied'
  return error.message
}
