/** Numbers as records have them: zigzag varints of up to 32 bits (https://protobuf.dev/programming-guides/encoding/). */

/** Bytes of a length and what it counts. @param length -1 for null */
export function sizedBytes(length: number): number {
  return varIntBytes(length) + Math.max(length, 0)
}

/** Bytes of a number of 32 bits as a zigzag varint. */
export function varIntBytes(value: number): number {
  const zigzag = zigzagOf(value)
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  return zigzag < 0x10000000 ? 4 : 5
}

/**
 * Writes a number of 32 bits as a zigzag varint.
 *
 * @returns the position behind it
 */
export function writeVarInt(value: number, target: Buffer, start: number): number {
  let at = start
  let zigzag = zigzagOf(value)
  for (; zigzag >= 0x80; zigzag >>>= 7) at = target.writeUInt8((zigzag & 0x7f) | 0x80, at)
  return target.writeUInt8(zigzag, at)
}

function zigzagOf(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}
