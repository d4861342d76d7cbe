/**
 * Reads the files whose paths are in settings, up to a bound. The size is counted while reading: a device or a pipe has no
 * size to ask for, and may never end.
 */
import { closeSync, openSync, readSync } from 'node:fs'

/** Certificates, keys and lists of them are far smaller. */
const maxBytes = 1024 * 1024
const pieceBytes = 64 * 1024

/** @throws {Error} when it cannot be read, or is larger than 1 MiB */
export function readSettingFile(path: string): string {
  const file = openSync(path, 'r')
  try {
    const pieces: Buffer[] = []
    let total = 0
    for (;;) {
      const piece = Buffer.alloc(pieceBytes)
      const count = readSync(file, piece)
      if (count === 0) return Buffer.concat(pieces).toString()
      total += count
      if (total > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`)
      pieces.push(piece.subarray(0, count))
    }
  } finally {
    closeSync(file)
  }
}
