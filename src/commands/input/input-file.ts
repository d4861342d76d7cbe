/** Reads the input of a command: a file, or standard input for `-`. */
import { createReadStream } from 'node:fs'
import { addAbortSignal, type Readable } from 'node:stream'
import { asError, InterruptedError, UserError } from '../../core/model/errors.ts'
import type { CommandContext } from '../command.ts'
import { textOption } from '../option-values.ts'

export const fileOption = {
  type: 'string',
  short: 'f',
  description: 'File to read, or - for standard input.',
} as const

export interface Input {
  /** How messages name it. */
  readonly name: string
  readonly bytes: Buffer
}

/**
 * @throws UserError when `--file` is missing or cannot be read
 * @throws InterruptedError when a signal ends the command while it waits for standard input
 */
export async function readInput(
  context: Pick<CommandContext, 'options' | 'signal' | 'input'>,
): Promise<Input> {
  const file = textOption(context, 'file')
  if (file === undefined) throw new UserError('Name a file with -f, or - for standard input.', 2)
  if (/^\s*[[{]/.test(file)) {
    // JSON in place of a path. It may hold signing keys, so it is not quoted.
    throw new UserError(
      'Give -f the path of a file, not its content: arguments are visible in the process list. With -f - the command reads standard input.',
      2,
    )
  }
  const { signal, input } = context
  if (file === '-' && input !== undefined) return { name: 'the request', bytes: input }
  if (file === '-') return await inputOf('standard input', process.stdin, signal)
  return await inputOf(file, createReadStream(file), signal)
}

/** In bytes. A command holds its whole input in memory. */
const maxBytes = 256 * 1024 * 1024

async function inputOf(name: string, stream: Readable, signal: AbortSignal): Promise<Input> {
  const pieces: Buffer[] = []
  let total = 0
  try {
    for await (const piece of addAbortSignal(signal, stream) as AsyncIterable<Buffer>) {
      pieces.push(piece)
      total += piece.length
      if (total > maxBytes) break
    }
  } catch (error) {
    if (signal.aborted) throw new InterruptedError()
    throw new UserError(`${name} cannot be read: ${reasonOf(error)}.`, 2, { cause: error })
  }
  if (total <= maxBytes) return { name, bytes: Buffer.concat(pieces) }
  throw new UserError(
    `${name} is larger than ${maxBytes / 1024 / 1024} MiB: split it into smaller files.`,
    2,
  )
}

function reasonOf(thrown: unknown): string {
  const error: NodeJS.ErrnoException = asError(thrown)
  if (error.code === 'ENOENT') return 'there is no such file'
  if (error.code === 'EISDIR') return 'it is a folder'
  if (error.code === 'EACCES') return 'permission denied'
  return error.message
}
