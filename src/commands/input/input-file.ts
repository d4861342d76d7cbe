/** What commands read: a file, or standard input for `-`. */
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
  const { signal } = context
  if (file === '-') return await inputOf('standard input', process.stdin, signal)
  return await inputOf(file, createReadStream(file), signal)
}

/** All of it is held at once. In bytes. */
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
  throw new UserError(`${name} has more than ${maxBytes / 1024 / 1024} MiB: give it in parts.`, 2)
}

function reasonOf(thrown: unknown): string {
  const error: NodeJS.ErrnoException = asError(thrown)
  if (error.code === 'ENOENT') return 'there is no such file'
  if (error.code === 'EISDIR') return 'it is a folder'
  if (error.code === 'EACCES') return 'permission denied'
  return error.message
}
