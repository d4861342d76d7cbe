/** Chooses the partition of a record in the same way as the Java client, so that all producers of a topic agree. */

/** Kafka's murmur2, signed 32 bits. Source: `org.apache.kafka.common.utils.Utils.murmur2`. */
export function murmur2(bytes: Uint8Array): number {
  const mixer = 0x5bd1e995
  const length = bytes.length
  let hash = 0x9747b28c ^ length
  let index = 0
  for (; index + 4 <= length; index += 4) {
    let block =
      byteAt(bytes, index) |
      (byteAt(bytes, index + 1) << 8) |
      (byteAt(bytes, index + 2) << 16) |
      (byteAt(bytes, index + 3) << 24)
    block = Math.imul(block, mixer)
    block ^= block >>> 24
    hash = Math.imul(hash, mixer) ^ Math.imul(block, mixer)
  }
  if (index < length) {
    for (let shift = 0; index < length; index += 1, shift += 8)
      hash ^= byteAt(bytes, index) << shift
    hash = Math.imul(hash, mixer)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, mixer)
  return hash ^ (hash >>> 15)
}

/** By the hash of the key. Without a key, by `turn`, a number that the caller increases with each record. */
export function choosePartition(key: Uint8Array | null, partitions: number, turn: number): number {
  return (key === null ? turn : murmur2(key) & 0x7fffffff) % partitions
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}
