/**
 * Memory for bytes that may be held for long, such as those of events that wait.
 *
 * Node takes small buffers from pieces of `Buffer.poolSize`, 64 KiB. Whoever holds a part of a piece keeps all of it in
 * memory: a thousand events of 1 KiB that wait among thousands that do not would keep 64 MiB, and count for one. With the
 * pieces here, the most deliveries that may wait (`limits.ts`) keep 80 MB of others' bytes at most.
 */
const pieceBytes = 4 * 1024

/** What is free of the piece that was allocated last. */
let free = Buffer.allocUnsafeSlow(pieceBytes)

/** Memory for so many bytes, with undefined content. It keeps at most 4 KiB in memory, or what it needs if that is more. */
export function allocateHeld(bytes: number): Buffer {
  if (bytes > pieceBytes / 2) return Buffer.allocUnsafeSlow(bytes)
  if (bytes > free.length) free = Buffer.allocUnsafeSlow(pieceBytes)
  const taken = free.subarray(0, bytes)
  free = free.subarray(bytes)
  return taken
}

/** A text as UTF-8 in memory of {@link allocateHeld}. */
export function heldText(text: string): Buffer {
  const held = allocateHeld(Buffer.byteLength(text))
  held.write(text)
  return held
}
